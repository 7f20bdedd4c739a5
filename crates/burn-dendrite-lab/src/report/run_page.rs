//! The page of a run.

use burn_dendrite_train::{SavedWeights, data::LearnFrom, run::commands, words::counted};
use maud::{Markup, PreEscaped, html};

use super::{
    ReportError,
    document::{Place, document, figures, figures_on, specification},
    mistakes::Mistake,
    run::{RunReport, Tested},
    section::Section,
};
use crate::plot::ConfusionChart;

/// More classes than this have their table folded away.
const OPEN: usize = 12;

/// The whole page.
pub(super) fn page(report: &RunReport, sections: &[Section]) -> Result<Markup, ReportError> {
    let learning = sections.iter().take(1);
    let others = sections.iter().skip(1);
    let mut places: Vec<Place> = vec![Place::new("Result")];
    places.extend(learning.clone().map(|it| Place::new(it.title)));
    places.extend(report.tested.iter().map(|_| Place::new("Classes")));
    places.extend(others.clone().map(|it| Place::new(it.title)));
    places.extend(["Specification", "Repeat it"].map(Place::new));
    let classes = report.tested.as_ref().map(classes).transpose()?;
    let on = report.analyzed.as_ref().map(|it| it.on.as_str());
    let body = html! {
        (result(report))
        @for section in learning { (figures(section)) }
        @if let Some(classes) = classes { (classes) }
        @for section in others { (figures_on(section, on)) }
        (specifications(report))
        (repeat(report))
        footer { "burn-dendrite " (env!("CARGO_PKG_VERSION")) }
    };
    let settings = &report.settings;
    let title = format!("{} on {}", report.spec.name, settings.dataset.label());
    Ok(document(&title, &lead(report), &places, &body))
}

fn lead(report: &RunReport) -> String {
    let settings = &report.settings;
    let description = match report.spec.description.as_str() {
        "" => String::new(),
        text => format!("{}. ", text.trim_end_matches('.')),
    };
    format!(
        "{description}Trained with seed {} on {} samples in batches of {}, {}.",
        settings.seed,
        settings.samples,
        settings.batch_size,
        counted(settings.epochs, "epoch")
    )
}

fn result(report: &RunReport) -> Markup {
    let percent = |share: f64| format!("{:.2} %", 100.0 * share);
    let mut rows: Vec<(&str, String)> = Vec::new();
    if let Some(summary) = &report.summary {
        rows.push(("test accuracy", percent(summary.test_accuracy)));
        let balanced = summary.test_balanced_accuracy.map(percent);
        rows.extend(balanced.map(|it| ("balanced over classes", it)));
        rows.push((
            "test loss (mean squared error)",
            format!("{:.4}", summary.test_loss),
        ));
        rows.push(("validation accuracy", percent(summary.validation_accuracy)));
        rows.push(("training samples", summary.train_samples.to_string()));
        if report.spec.data.learn_from == LearnFrom::TrainAndValidation {
            let all = "the training and the validation samples";
            rows.push(("learned from", all.to_owned()));
        }
        if summary.samples_per_second > 0.0 {
            rows.push(("samples/s", format!("{:.0}", summary.samples_per_second)));
        }
        let threads = counted(summary.threads, "thread");
        rows.push(("device", format!("{}, {threads}", summary.device)));
    } else if let Some(tested) = &report.tested {
        rows.push(("accuracy", percent(tested.confusion.accuracy())));
        rows.push((
            "balanced over classes",
            percent(tested.confusion.balanced_accuracy()),
        ));
    }
    html! {
        section #result {
            h2 { "Result" }
            @if let Some(divergence) = &report.divergence {
                p { strong { "The activity of this run ran away: " (divergence) "." } }
            }
            @if report.weights != SavedWeights::Last {
                p { strong { (capitalised(&report.weights.to_string())) "." } }
            }
            @if !rows.is_empty() {
                div.card { div.scroll { table {
                    tbody { @for (name, value) in &rows { tr { td { (name) } td { (value) } } } }
                } } }
            }
            @for note in &report.notes { p.note { (note) } }
        }
    }
}

/// A sentence from its beginning.
fn capitalised(sentence: &str) -> String {
    let mut letters = sentence.chars();
    let first = letters.next().map(|it| it.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

fn classes(tested: &Tested) -> Result<Markup, ReportError> {
    let confusion = &tested.confusion;
    let counts = (0..confusion.classes()).map(|class| confusion.row(class).to_vec());
    let chart = ConfusionChart {
        title: "Confusion".to_owned(),
        label: "rows: class, columns: taken for".to_owned(),
        names: tested.names.clone(),
        counts: counts.collect(),
    };
    let is_folded = confusion.classes() > OPEN;
    Ok(html! {
        section #classes {
            h2 { "Classes" }
            p.note { "On " (tested.on) ": accuracy " (format!("{:.2}", 100.0 * confusion.accuracy()))
                " %, balanced " (format!("{:.2}", 100.0 * confusion.balanced_accuracy())) " %." }
            @if !chart.is_empty() {
                div.figures {
                    figure {
                        (PreEscaped(chart.draw()?))
                        figcaption { "How many samples of each class (rows) were taken for each class \
                            (columns). The stronger the colour of a cell, the larger its share of the \
                            row." }
                    }
                    div.card { (folded(is_folded, "Class by class", &class_table(tested))) }
                }
            }
            div.card.below { (folded(is_folded, "Counts", &confusion_table(tested))) }
            (mistakes(tested.mistakes.as_deref()))
        }
    })
}

/// A table, folded away where it is long.
fn folded(is_folded: bool, name: &str, table: &Markup) -> Markup {
    html! {
        @if is_folded {
            details { summary { (name) } div.scroll { (table) } }
        } @else {
            div.scroll { (table) }
        }
    }
}

fn class_table(tested: &Tested) -> Markup {
    let confusion = &tested.confusion;
    html! {
        table {
            thead { tr {
                th scope="col" { "class" }
                th scope="col" { "samples" }
                th scope="col" { "accuracy (%)" }
                th scope="col" { "most taken for" }
            } }
            tbody {
                @for (class, name) in tested.names.iter().enumerate() {
                    tr {
                        td { (name) }
                        td { (confusion.samples(class)) }
                        td { @if let Some(it) = confusion.class_accuracy(class) {
                            (format!("{:.2}", 100.0 * it))
                        } @else { "–" } }
                        td { @if let Some((other, count)) = confusion.most_taken_for(class) {
                            (tested.names[other]) " (" (count) ")"
                        } @else { "–" } }
                    }
                }
            }
        }
    }
}

fn confusion_table(tested: &Tested) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { "class \\ taken for" }
                @for name in &tested.names { th scope="col" { (name) } }
            } }
            tbody {
                @for (class, name) in tested.names.iter().enumerate() {
                    tr {
                        td { (name) }
                        @for (other, count) in tested.confusion.row(class).iter().enumerate() {
                            @if other == class { td { strong { (count) } } }
                            @else { td { (count) } }
                        }
                    }
                }
            }
        }
    }
}

fn mistakes(mistakes: Option<&[Mistake]>) -> Markup {
    html! {
        @match mistakes {
            None => {
                p.note { "Misclassified images are not shown: the data were not at hand." }
            }
            Some([]) => {
                p.note { "Misclassified images are not shown: there are none, or the samples are no images." }
            }
            Some(mistakes) => {
                h3 { "Misclassified" }
                p.note { "The first " (mistakes.len()) " in the order of the set, each with its class and the class \
                    that it was taken for." }
                ul.mistakes {
                    @for it in mistakes {
                        li {
                            img src=(it.source)
                                alt={ (it.class) " taken for " (it.taken_for) };
                            span { (it.class) " → " (it.taken_for) }
                        }
                    }
                }
            }
        }
    }
}

fn specifications(report: &RunReport) -> Markup {
    let unknown = "It cannot be shown.".to_owned();
    let spec = report.spec.to_toml().unwrap_or(unknown.clone());
    let settings = toml::to_string(&report.settings).unwrap_or(unknown);
    html! {
        section #specification {
            h2 { "Specification" }
            div.card {
                (specification("spec.toml", "Network and learning", &spec))
                (specification("run.toml", "Data, budget, seed", &settings))
            }
        }
    }
}

fn repeat(report: &RunReport) -> Markup {
    let commands = commands(&report.settings, &report.folder);
    html! {
        section #repeat-it {
            h2 { "Repeat it" }
            p { "The same run anew:" }
            pre { code { (commands.join("\n")) } }
        }
    }
}
