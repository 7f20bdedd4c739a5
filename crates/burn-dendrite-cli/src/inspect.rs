//! `dendrite inspect`.

use std::{collections::BTreeMap, io::Write, path::PathBuf, process::ExitCode};

use burn_dendrite_nn::{
    Activation, CellType, Compartment, Parameter, Plan, PopulationPlan, ProjectionId,
    ProjectionPlan, Timing, WeightSource,
    geometry::Geometry,
    spec::{Kernel, PoolKind},
};
use burn_dendrite_optim::{Learning, Settling, Target};
use burn_dendrite_train::{ExperimentSpec, output::Output, run};
use clap::Args;
use comfy_table::{CellAlignment, Table};

use super::{DataArguments, Mistake, specification, table::table};

#[derive(Args, Debug)]
pub(super) struct InspectArguments {
    /// A preset's name, a specification's file, or a run folder.
    #[arg(value_name = "SPEC|RUN")]
    what: PathBuf,
}

impl InspectArguments {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let mut spec = self.specification()?;
        if let Some(dataset) = spec.own_dataset().filter(|_| spec.is_sized_by_data()) {
            let data = DataArguments { data_dir: None }.load(&dataset, &spec.data, true)?;
            spec.fit(&data.splits);
        }
        let (plan, learning) = spec.check().map_err(|errors| Mistake(errors.to_string()))?;
        let mut out = Output::answer();
        writeln!(out, "{}", spec.name)?;
        for line in [&spec.description, &spec.source]
            .into_iter()
            .filter(|line| !line.is_empty())
        {
            writeln!(out, "  {line}")?;
        }
        let settling = learning.nudge().map_or("", |nudge| match nudge.settling {
            Settling::Instant => ", instant nudge",
            Settling::Equilibrated => ", equilibrated nudge",
            Settling::OutputOnly => ", nudge of the output only",
            Settling::TopDown => ", nudge from the top down",
        });
        let tau = spec.network.tau;
        writeln!(out, "  {} steps, tau {tau}{settling}\n", plan.steps)?;
        writeln!(out, "{}\n", populations(&plan))?;
        writeln!(out, "{}\n", projections(&plan, &rules(&spec)))?;
        if let Some(table) = biases(&plan, &rules(&spec)) {
            writeln!(out, "{table}\n")?;
        }
        writeln!(out, "{}", totals(&plan, &learning))?;
        Ok(ExitCode::SUCCESS)
    }

    fn specification(&self) -> anyhow::Result<ExperimentSpec> {
        if self.what.is_dir() {
            let (_, spec) = run::load(&self.what).map_err(|error| Mistake(error.to_string()))?;
            return Ok(spec);
        }
        specification(&self.what.to_string_lossy())
    }
}

fn populations(plan: &Plan) -> Table {
    let mut table = table(&["population", "size", "cells", "activation", "tau", "role"]);
    for (id, population) in plan.populations.iter() {
        let role = match id {
            id if id == plan.input => "input",
            id if id == plan.output => "output",
            id if plan.has_dendrite(id) => "soma and dendrite",
            _ => "",
        };
        let cell = match population.cell {
            CellType::Excitatory => "excitatory",
            CellType::Inhibitory => "inhibitory",
            CellType::Unconstrained => "unconstrained",
        };
        let activation = match population.activation {
            _ if id == plan.input => "",
            Activation::Relu => "relu",
            Activation::Softplus => "softplus",
            Activation::Sigmoid => "sigmoid",
            Activation::Tanh => "tanh",
            Activation::Linear => "linear",
            Activation::Softmax => "softmax",
        };
        table.add_row([
            population.name.to_string(),
            shape(population),
            cell.to_owned(),
            activation.to_owned(),
            if id == plan.input {
                String::new()
            } else {
                population.tau.to_string()
            },
            role.to_owned(),
        ]);
    }
    align_right(&mut table, 1);
    table
}

fn projections(plan: &Plan, rules: &BTreeMap<String, String>) -> Table {
    let mut table = table(&[
        "projection",
        "onto",
        "activity",
        "weights",
        "parameters",
        "constraints",
        "rule",
    ]);
    for (index, projection) in plan.projections.iter().enumerate() {
        let compartment = match projection.compartment {
            Compartment::Soma => "soma",
            Compartment::Dendrite => "dendrite",
        };
        let timing = match projection.timing {
            Timing::Current => "current",
            Timing::Previous => "previous",
        };
        let weights = match &projection.source {
            WeightSource::Own(init) => format!("{}{}", init.kind(), geometry(projection)),
            WeightSource::Balance { of, .. } => {
                format!("balance of {}", plan.projection(*of).name)
            }
            WeightSource::Tied {
                of,
                transpose,
                scale,
            } => format!(
                "{scale:.3} x {}{}",
                plan.projection(*of).name,
                if *transpose { " transposed" } else { "" }
            ),
        };
        let constraints: Vec<&str> = projection.constraints.iter().map(|it| it.kind()).collect();
        table.add_row([
            projection.name.to_string(),
            compartment.to_owned(),
            timing.to_owned(),
            weights,
            count(size(plan, Parameter::Weight(ProjectionId(index)))),
            constraints.join(", "),
            rules
                .get(&projection.name.to_string())
                .cloned()
                .unwrap_or_else(|| "fixed".to_owned()),
        ]);
    }
    align_right(&mut table, 4);
    table
}

fn biases(plan: &Plan, rules: &BTreeMap<String, String>) -> Option<Table> {
    let mut table = table(&["bias", "start", "parameters", "rule"]);
    for (_, population) in plan.populations.iter() {
        let Some(bias) = &population.bias else {
            continue;
        };
        let rule = rules.get(&Target::Bias(population.name.clone()).to_string());
        table.add_row([
            population.name.to_string(),
            bias.init.kind().to_owned(),
            count(population.biases()),
            rule.cloned().unwrap_or_else(|| "fixed".to_owned()),
        ]);
    }
    align_right(&mut table, 2);
    (table.row_iter().next().is_some()).then_some(table)
}

/// The rule of each target as a cell of the table.
fn rules(spec: &ExperimentSpec) -> BTreeMap<String, String> {
    let text = |rule: &burn_dendrite_optim::Plasticity| {
        format!("{} at {:.4}", rule.rule.kind(), rule.learning_rate)
    };
    spec.learning
        .rules
        .iter()
        .map(|rule| (rule.on.to_string(), text(rule)))
        .collect()
}

fn totals(plan: &Plan, learning: &Learning) -> String {
    let learned: usize = learning
        .learned()
        .map(|parameter| size(plan, parameter))
        .sum();
    let all = plan.parameters();
    format!(
        "{} parameters: {} learned, {} fixed",
        count(all),
        count(learned),
        count(all - learned)
    )
}

/// Neurons of a population, of maps as maps x height x width, and their pools.
fn shape(population: &PopulationPlan) -> String {
    let [maps, height, width] = population.shape;
    let size = if height * width == 1 {
        maps.to_string()
    } else {
        format!("{maps} x {height} x {width}")
    };
    match population.pool {
        Some(pool) => {
            let kind = match pool.kind {
                PoolKind::Max => "max",
                PoolKind::Average => "average",
            };
            format!("{size}, {kind} of {0} x {0}", pool.size)
        }
        None => size,
    }
}

/// Where the weights of a projection apply, where that is not everywhere.
fn geometry(projection: &ProjectionPlan) -> String {
    match projection.wiring.geometry {
        Geometry::Dense => String::new(),
        Geometry::Convolution(convolution) => window(convolution.kernel),
        Geometry::Local(local) => format!("{}, local", window(local.windows.kernel)),
        Geometry::ReceptiveFields(fields) => format!(", {0} x {0} at random", fields.size),
    }
}

fn window(kernel: Kernel) -> String {
    let Kernel {
        size,
        stride,
        padding,
    } = kernel;
    let stride = match stride {
        1 => String::new(),
        stride => format!(", stride {stride}"),
    };
    let padding = match padding {
        0 => String::new(),
        padding => format!(", padding {padding}"),
    };
    format!(", {size} x {size}{stride}{padding}")
}

/// Number of parameters that are the projection's or population's own.
fn size(plan: &Plan, parameter: Parameter) -> usize {
    match parameter {
        Parameter::Weight(id) => {
            let projection = plan.projection(id);
            if projection.is_owned() {
                projection.weights()
            } else {
                0
            }
        }
        Parameter::Bias(id) => plan.populations[id].biases(),
    }
}

/// A number with its thousands apart.
fn count(number: usize) -> String {
    let digits = number.to_string();
    let group = |(index, digit): (usize, char)| {
        let comma = index > 0 && (digits.len() - index).is_multiple_of(3);
        comma.then_some(',').into_iter().chain([digit])
    };
    digits.chars().enumerate().flat_map(group).collect()
}

fn align_right(table: &mut Table, column: usize) {
    if let Some(column) = table.column_mut(column) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(
            [0, 12, 123, 1234, 926_500, 1_000_000].map(count),
            ["0", "12", "123", "1,234", "926,500", "1,000,000"]
        );
    }

    #[test]
    fn the_paper_network_is_shown_with_its_learned_and_fixed_parameters() {
        let spec = burn_dendrite_train::presets::load("mnist-dtp").unwrap();
        let (plan, learning) = spec.check().unwrap();
        let shown = projections(&plan, &rules(&spec)).to_string();
        assert!(shown.contains("H1.E<-H1.DendI") && shown.contains("dendritic_loss at 0.0999"));
        assert!(shown.contains("0.498 x H2.E<-H1.E transposed"));
        // Learned, by hand: 392,000 + 25,000 + 25,000 + 2,500 onto H1, 250,000 + 25,000 + 25,000 +
        // 2,500 onto H2, 5,000 onto the output.
        assert_eq!(
            totals(&plan, &learning),
            "926,500 parameters: 752,000 learned, 174,500 fixed"
        );
    }
}
