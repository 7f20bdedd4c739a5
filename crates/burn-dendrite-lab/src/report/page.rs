//! The page of a report.

use maud::{Markup, PreEscaped, html};

use super::{
    document::{Place, document, figures, specification},
    findings::{Finding, Verdict},
    section::Section,
};
use crate::{
    compare::{NetworkResults, Results},
    plot::swatch,
    study::Estimate,
};

/// The whole page, with styles and figures in it: it refers to nothing outside, and has no script.
pub(super) fn page(results: &Results, sections: &[Section], findings: &[Finding]) -> Markup {
    let mut places = vec![Place::new("Results")];
    if !findings.is_empty() {
        places.push(Place::new("Findings"));
    }
    places.extend(sections.iter().map(|section| Place::new(section.title)));
    places.extend(["Specifications", "Repeat it"].map(Place::new));
    let body = html! {
        (table(results))
        @if !results.diverged.is_empty() { (diverged(results)) }
        @if !findings.is_empty() { (finding_list(findings)) }
        @for section in sections { (figures(section)) }
        (specifications(results))
        (repeat(results))
        (footer(results))
    };
    document(&title(results), &protocol(results), &places, &body)
}

fn title(results: &Results) -> String {
    let networks = results.networks.len();
    let plural = if networks == 1 { "" } else { "s" };
    format!("{networks} network{plural} on {}", results.plan.dataset)
}

fn protocol(results: &Results) -> String {
    let plan = &results.plan;
    let passes = match plan.epochs {
        Some(1) => "one pass".to_owned(),
        Some(passes) => format!("{passes} passes"),
        None => "the passes that it is made for".to_owned(),
    };
    let batches = match plan.batch_size {
        Some(size) => format!("batches of {size}"),
        None => "the batches that it is made for".to_owned(),
    };
    let seeds = match plan.seeds {
        1 => "with seed 1".to_owned(),
        seeds => format!("with seeds 1 to {seeds}"),
    };
    format!(
        "Each network was trained {seeds} on {} samples, {passes}, in {batches}. Networks of the \
         same seed saw the same samples in the same order. Values are means over seeds ± one standard \
         error of the mean.",
        plan.samples
    )
}

fn table(results: &Results) -> Markup {
    html! {
        section #results {
            h2 { "Results" }
            div.card { div.scroll { table {
                thead { tr {
                    th scope="col" { "network" }
                    th scope="col" { "test accuracy (%)" }
                    th.wide scope="col" { "each seed" }
                    th.wide scope="col" { "test loss" }
                    th scope="col" { "samples/s" }
                    th.wide scope="col" { "seconds a run" }
                } }
                tbody {
                    @for (number, network) in results.networks.iter().enumerate() {
                        (row(number, network))
                    }
                }
            } } }
        }
    }
}

/// The trainings that no number speaks of.
fn diverged(results: &Results) -> Markup {
    html! {
        section #diverged {
            h2 { "Diverged" }
            div.card {
                p { "The activity of these trainings ran away. They are in none of the numbers." }
                ul {
                    @for run in &results.diverged { li { (run.to_string()) } }
                }
            }
        }
    }
}

fn row(number: usize, network: &NetworkResults) -> Markup {
    let seeds = network
        .runs
        .iter()
        .map(|run| format!("{:.1}", 100.0 * run.summary.test_accuracy));
    let mean = |estimate: Option<Estimate>, decimals: usize| match estimate {
        Some(estimate) => format!("{:.decimals$}", estimate.mean),
        None => "not measured".to_owned(),
    };
    html! {
        tr {
            td {
                (PreEscaped(swatch(number))) (network.name)
                @if !network.description.is_empty() {
                    span.description.wide { (network.description) }
                }
            }
            td { (network.test_accuracy.scaled(100.0).show(2)) }
            td.wide { (seeds.collect::<Vec<_>>().join(" · ")) }
            td.wide { (network.test_loss.show(4)) }
            td { (mean(network.samples_per_second, 0)) }
            td.wide { (mean(network.seconds, 1)) }
        }
    }
}

fn finding_list(findings: &[Finding]) -> Markup {
    html! {
        section #findings {
            h2 { "Findings of the paper, in these numbers" }
            div.card { ul.findings {
                @for finding in findings {
                    li {
                        @match finding.verdict {
                            Verdict::Holds => span.verdict.holds { "holds" },
                            Verdict::DoesNotHold => span.verdict.fails { "does not hold here" },
                        }
                        " " strong { (finding.claim) } " " (finding.numbers)
                    }
                }
            } }
        }
    }
}

fn specifications(results: &Results) -> Markup {
    html! {
        section #specifications {
            h2 { "Specifications" }
            p { "The networks exactly as they were trained; " code { "dendrite train --spec FILE" }
                " takes such a text as it is." }
            div.card {
                @for network in &results.networks {
                    (specification(&network.name, &network.description, &network.specification))
                }
            }
        }
    }
}

fn repeat(results: &Results) -> Markup {
    let seeds = (1..=results.plan.seeds).map(|seed| seed.to_string());
    html! {
        section #repeat-it {
            h2 { "Repeat it" }
            p { "Seeds: " (seeds.collect::<Vec<_>>().join(", ")) ". The same comparison anew:" }
            pre { code { (results.command) } }
            p { "All numbers are in " code { "results.json" } " and the folder " code { "csv" }
                ", the figures in the folder " code { "figures" } ", the trained networks in the \
                folder " code { "runs" } "." }
        }
    }
}

fn footer(results: &Results) -> Markup {
    let runs = results.networks.iter().flat_map(|network| &network.runs);
    let mut places: Vec<String> = runs
        .map(|run| {
            let threads = run.summary.threads;
            let plural = if threads == 1 { "" } else { "s" };
            format!("{} with {threads} thread{plural} a run", run.summary.device)
        })
        .collect();
    places.sort();
    places.dedup();
    html! {
        footer {
            "burn-dendrite " (results.version) ", device " (places.join(" or ")) ", "
            (results.machine.cores) " cores, " (results.machine.platform) "."
        }
    }
}
