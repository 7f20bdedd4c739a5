//! From a specification to a plan, or to the list of all its mistakes.

mod weights;
mod wiring;

use std::collections::HashMap;

use burn::tensor::Device;
use wiring::wiring;

use crate::spec::{
    CellType, GeometrySpec, Grain, NetworkSpec, PoolKind, PopulationSpec, ProjectionSpec, Size,
    WeightSpec,
};
use crate::{
    Activation, Compartment, Network, PerPopulation, Plan, PopulationId, PopulationName,
    ProjectionId, ProjectionName, SpecError, SpecErrors,
    constraint::{ConstraintSite, Recurrence},
    error::unknown_name,
    geometry::{Pool, Wiring},
    plan::{PopulationPlan, ProjectionPlan, WeightSource},
    range::positive,
};

/// The most weights of one projection, and of all together, 8 GiB in single precision: more is a slip
/// of the keyboard, and would end the process when memory is asked for.
const MAXIMUM_WEIGHTS: usize = 1 << 31;

/// The most steps of a phase: a network that takes more to settle would learn nothing in a day.
const MAXIMUM_STEPS: usize = 10_000;

impl NetworkSpec {
    /// Checks the specification and resolves its names.
    ///
    /// # Errors
    ///
    /// All mistakes at once, each with its path and what would be accepted.
    pub fn check(&self) -> Result<Plan, SpecErrors> {
        check(self)
    }

    /// Makes the network with weights drawn from `seed`: the same on every device.
    ///
    /// # Errors
    ///
    /// Those of [`check`](Self::check).
    pub fn init(&self, seed: u64, device: &Device) -> Result<Network, SpecErrors> {
        Ok(Network::new(self.check()?, seed, device))
    }
}

fn check(spec: &NetworkSpec) -> Result<Plan, SpecErrors> {
    let mut checker = Checker {
        spec,
        errors: Vec::new(),
    };
    let names = checker.populations();
    let output = checker.output(&names);
    let projections = checker.projections(&names);
    checker.reachable();
    SpecErrors::or(checker.errors, || plan(spec, output, projections))
}

type Names<'a> = HashMap<&'a PopulationName, PopulationId>;

struct Checker<'a> {
    spec: &'a NetworkSpec,
    errors: Vec<SpecError>,
}

impl<'a> Checker<'a> {
    fn wrong(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.errors.push(SpecError::new(path, message));
    }

    fn note(&mut self, path: &str, result: Result<(), String>) {
        if let Err(message) = result {
            self.wrong(path, message);
        }
    }

    fn populations(&mut self) -> Names<'a> {
        let spec = self.spec;
        self.note("tau", positive("tau", spec.tau));
        if spec.steps == 0 {
            self.wrong("steps", "`steps` is 0; accepted: 1 or more");
        }
        if spec.steps > MAXIMUM_STEPS {
            let message = format!("`steps` is {}; accepted: 1 to {MAXIMUM_STEPS}", spec.steps);
            self.wrong("steps", message);
        }
        if spec.populations.len() < 2 {
            self.wrong(
                "population",
                "an input and an output population are needed at least",
            );
        }
        let mut names = Names::new();
        let mut layers: Vec<&str> = Vec::new();
        for (index, population) in spec.populations.iter().enumerate() {
            let path = format!("population[{}]", population.name);
            if names
                .insert(&population.name, PopulationId(index))
                .is_some()
            {
                self.wrong(&path, "a population of this name is listed already");
            }
            let layer = population.name.layer();
            if layers.last() != Some(&layer) {
                if layers.contains(&layer) {
                    let message = format!("the populations of layer `{layer}` must stand together");
                    self.wrong(&path, message);
                }
                layers.push(layer);
            }
            self.population(&path, population, index == 0);
        }
        if layers.len() == 1 {
            self.wrong("population", "a layer after the input's is needed");
        }
        names
    }

    fn population(&mut self, path: &str, population: &PopulationSpec, is_input: bool) {
        if population.size == Size::Data {
            let message = "`size` is \"data\", and no data are at hand that it could be taken from; \
                           accepted: 1 or more (with data also \"data\", for the first population \
                           and the output)";
            self.wrong(format!("{path}.size"), message);
        }
        if population.size == 0 {
            let message = format!("`size` is {}; accepted: 1 or more", population.size);
            self.wrong(format!("{path}.size"), message);
        }
        if population.size.neurons() > MAXIMUM_WEIGHTS {
            let message = format!(
                "`size` is {}; accepted: 1 to {MAXIMUM_WEIGHTS}",
                population.size
            );
            self.wrong(format!("{path}.size"), message);
        }
        if let Some(tau) = population.tau {
            self.note(&format!("{path}.tau"), positive("tau", tau));
        }
        if let Some(pool) = population.pool {
            let message = Pool::new(pool, population.size.shape()).err();
            if let Some(message) = message {
                self.wrong(format!("{path}.pool"), message);
            }
            if pool.kind == PoolKind::Max && population.activation != Activation::Relu {
                let message = "the units of a `max` pool compete, and those that lose are silent; \
                               accepted: the activation `relu`, or a pool of kind `average`";
                self.wrong(format!("{path}.pool.kind"), message);
            }
        }
        let Some(bias) = &population.bias else { return };
        let path = format!("{path}.bias");
        if is_input {
            self.wrong(&path, "the input is set from outside and has no bias");
        }
        self.note(
            &format!("{path}.init"),
            bias.init.check(CellType::Unconstrained),
        );
        let lower = bias.lower.unwrap_or(f64::NEG_INFINITY);
        let upper = bias.upper.unwrap_or(f64::INFINITY);
        // The negation also catches bounds that are not numbers.
        if !matches!(lower.partial_cmp(&upper), Some(order) if order.is_le()) {
            self.wrong(
                &path,
                format!("bounds {lower} and {upper}; accepted: lower <= upper"),
            );
        }
    }

    fn output(&mut self, names: &Names<'a>) -> PopulationId {
        let spec = self.spec;
        let default = spec.output_index().unwrap_or(0);
        let Some(name) = &spec.output else {
            return PopulationId(default);
        };
        match names.get(name) {
            Some(PopulationId(0)) => {
                self.wrong("output", "the input population cannot be the output");
                PopulationId(default)
            }
            Some(&id) => id,
            None => {
                let known = spec
                    .populations
                    .iter()
                    .map(|population| population.name.to_string());
                self.wrong(
                    "output",
                    unknown_name("population", &name.to_string(), known),
                );
                PopulationId(default)
            }
        }
    }

    fn projections(&mut self, names: &Names<'a>) -> Vec<Option<ProjectionPlan>> {
        let spec = self.spec;
        let mut known: HashMap<&ProjectionName, ProjectionId> = HashMap::new();
        for (index, projection) in spec.projections.iter().enumerate() {
            if known
                .insert(&projection.name, ProjectionId(index))
                .is_some()
            {
                let path = format!("projection[{}]", projection.name);
                self.wrong(path, "a projection of this name is listed already");
            }
        }
        let projections: Vec<Option<ProjectionPlan>> = (spec.projections.iter())
            .map(|projection| self.projection(projection, names, &known))
            .collect();
        self.all_weights(&projections);
        projections
    }

    /// Projections that each could be held in memory may be too much together.
    fn all_weights(&mut self, projections: &[Option<ProjectionPlan>]) {
        let owned = projections.iter().flatten().filter(|it| it.is_owned());
        let weights = owned.map(|it| it.site.pre.saturating_mul(it.site.post));
        let each: Vec<usize> = weights.collect();
        let all = each
            .iter()
            .fold(0, |all: usize, it| all.saturating_add(*it));
        if all > MAXIMUM_WEIGHTS && each.iter().all(|it| *it <= MAXIMUM_WEIGHTS) {
            let message =
                format!("{all} weights in all; accepted: at most {MAXIMUM_WEIGHTS} together");
            self.wrong("projection", message);
        }
    }

    fn projection(
        &mut self,
        projection: &'a ProjectionSpec,
        names: &Names<'a>,
        known: &HashMap<&ProjectionName, ProjectionId>,
    ) -> Option<ProjectionPlan> {
        let path = format!("projection[{}]", projection.name);
        let mut end = |name: &PopulationName| {
            let id = names.get(name).copied();
            if id.is_none() {
                let known = self.spec.populations.iter().map(|it| it.name.to_string());
                self.wrong(&path, unknown_name("population", &name.to_string(), known));
            }
            id
        };
        let (post, pre) = (end(&projection.name.post), end(&projection.name.pre));
        let (post, pre) = (post?, pre?);
        if post == PopulationId(0) {
            self.wrong(
                &path,
                "the input is set from outside and receives no projection",
            );
        }
        let from = &self.spec.populations[pre.0];
        let (wiring, [rows, columns]) = self.wiring(&path, projection)?;
        let site = ConstraintSite {
            pre: rows,
            post: columns,
            recurrence: if post == pre && wiring.is_dense() {
                Recurrence::Within
            } else {
                Recurrence::Between
            },
            cell: from.cell,
        };
        if rows.saturating_mul(columns) > MAXIMUM_WEIGHTS {
            let message =
                format!("has {columns} x {rows} weights; accepted: at most {MAXIMUM_WEIGHTS}");
            self.wrong(&path, message);
        }
        for constraint in &projection.constraints {
            let path = format!("{path}.constraints[{}]", constraint.kind());
            self.note(&path, constraint.check(&site));
        }
        let source = match &projection.weight {
            WeightSpec::Own(init) => {
                self.note(&format!("{path}.weight"), init.check(from.cell));
                WeightSource::Own(init.clone())
            }
            WeightSpec::Tied(tied) => {
                if !projection.constraints.is_empty() {
                    let message = "tied weights take no constraints: they equal their source";
                    self.wrong(format!("{path}.constraints"), message);
                }
                let of = known.get(&tied.of).copied();
                self.tied(&format!("{path}.weight"), projection, of, from.cell)?
            }
            WeightSpec::Balance(balance) => {
                let path = format!("{path}.weight");
                self.balance(&path, projection, balance, &site, known)?
            }
        };
        Some(ProjectionPlan {
            name: projection.name.clone(),
            post,
            pre,
            compartment: projection.compartment,
            timing: projection.timing,
            active: projection.active,
            source,
            wiring,
            constraints: projection.constraints.clone(),
            site,
        })
    }

    /// The wiring of a projection, a tied one's being that of its source, and the `[rows, columns]` of its
    /// weights.
    fn wiring(&mut self, path: &str, projection: &ProjectionSpec) -> Option<(Wiring, [usize; 2])> {
        let spec = self.spec;
        let WeightSpec::Tied(tied) = &projection.weight else {
            let found = wiring_between(spec, projection)?;
            return match found {
                Ok(found) => Some(found),
                Err((key, message)) => {
                    self.wrong(format!("{path}.{key}"), message);
                    None
                }
            };
        };
        let is_given = projection.geometry != GeometrySpec::Dense
            || [projection.hears, projection.reaches] != [Grain::Units; 2];
        if is_given {
            let message = "tied weights take the geometry of their source, with what it hears and reaches; \
                           accepted: neither `geometry` nor `hears` nor `reaches`";
            self.wrong(path, message);
        }
        let source = spec.projections.iter().find(|it| it.name == tied.of);
        // A source that does not exist or is wrong itself is reported where it stands.
        let found = source.and_then(|source| wiring_between(spec, source)?.ok());
        let (wiring, [rows, columns]) = found.unwrap_or_default();
        let dims = if tied.transpose {
            [columns, rows]
        } else {
            [rows, columns]
        };
        Some((wiring, dims))
    }

    /// A population without somatic input never fires, and one mistyped name is enough for that.
    fn reachable(&mut self) {
        let spec = self.spec;
        for population in spec.populations.iter().skip(1) {
            let heard = spec
                .projections
                .iter()
                .any(|it| it.name.post == population.name && it.compartment == Compartment::Soma);
            if !heard && population.bias.is_none() {
                let message = "receives no projection to its soma, so it would never fire";
                self.wrong(format!("population[{}]", population.name), message);
            }
        }
    }
}

/// The wiring of a projection and the units on both of its sides, or the key that is wrong and why.
type Wired = Result<(Wiring, [usize; 2]), (&'static str, String)>;

/// [`wiring`] between the populations that a projection names; `None` where one does not exist.
fn wiring_between(spec: &NetworkSpec, projection: &ProjectionSpec) -> Option<Wired> {
    let find = |name: &PopulationName| spec.populations.iter().find(|it| it.name == *name);
    let (from, to) = (find(&projection.name.pre)?, find(&projection.name.post)?);
    Some(wiring(projection, from, to))
}

/// The plan of a specification without mistakes.
fn plan(
    spec: &NetworkSpec,
    output: PopulationId,
    projections: Vec<Option<ProjectionPlan>>,
) -> Plan {
    let projections: Vec<ProjectionPlan> = projections.into_iter().flatten().collect();
    let populations: PerPopulation<PopulationPlan> = (spec.populations.iter().enumerate())
        .map(|(index, population)| PopulationPlan {
            name: population.name.clone(),
            size: population.size.neurons(),
            shape: population.size.shape(),
            pool: population.pool,
            cell: population.cell,
            activation: population.activation,
            tau: population.tau.unwrap_or(spec.tau),
            bias: population.bias.clone(),
            incoming: (projections.iter().enumerate())
                .filter(|(_, projection)| projection.post == PopulationId(index))
                .map(|(at, _)| ProjectionId(at))
                .collect(),
        })
        .collect();
    let mut layers: Vec<Vec<PopulationId>> = Vec::new();
    let mut last: Option<&str> = None;
    for (id, population) in populations.iter() {
        let layer = population.name.layer();
        match layers.last_mut() {
            Some(members) if last == Some(layer) => members.push(id),
            _ => layers.push(vec![id]),
        }
        last = Some(layer);
    }
    Plan {
        spec: spec.clone(),
        populations,
        projections,
        layers,
        input: PopulationId(0),
        output,
        steps: spec.steps,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAWFUL: &str = r#"
        tau = 3.0
        steps = 15
        population = [
            { name = "Input.E", size = 4, cell = "excitatory" },
            { name = "H1.E", size = 3, cell = "excitatory" },
            { name = "H1.DendI", size = 2, cell = "inhibitory" },
            { name = "Output.E", size = 2, cell = "excitatory" },
        ]
        projection = [
            { name = "H1.E<-Input.E", weight = { kind = "half_kaiming" } },
            { name = "H1.DendI<-H1.E", timing = "previous", weight = { kind = "half_kaiming" } },
            { name = "H1.E<-H1.DendI", compartment = "dendrite", active = "backward", weight = { kind = "half_kaiming" } },
            { name = "H1.E<-Output.E", compartment = "dendrite", active = "backward", weight = { kind = "tied", of = "Output.E<-H1.E", transpose = true, scale = 0.5 } },
            { name = "Output.E<-H1.E", weight = { kind = "half_kaiming" } },
        ]
    "#;

    fn mistakes(change: &[(&str, &str)]) -> Vec<String> {
        let text = change.iter().fold(LAWFUL.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        });
        let spec: NetworkSpec = toml::from_str(&text).unwrap();
        match spec.check() {
            Ok(_) => Vec::new(),
            Err(errors) => errors.iter().map(SpecError::to_string).collect(),
        }
    }

    #[test]
    fn a_lawful_network_is_resolved() {
        let plan = toml::from_str::<NetworkSpec>(LAWFUL)
            .unwrap()
            .check()
            .unwrap();
        assert_eq!(plan.layers.len(), 3);
        assert_eq!(plan.output, PopulationId(3));
        assert!(plan.has_dendrite(PopulationId(1)) && !plan.has_dendrite(PopulationId(3)));
        // 4*3 + 3*2 + 2*3 + 3*2; the tied projection owns nothing.
        assert_eq!(plan.parameters(), 30);
    }

    #[test]
    fn every_mistake_is_reported_at_once() {
        let found = mistakes(&[
            ("tau = 3.0", "tau = -1.0"),
            ("steps = 15", "steps = 0"),
            ("size = 3", "size = 0"),
            ("H1.DendI<-H1.E", "H1.DendI<-H1.F"),
        ]);
        assert!(found[0].starts_with("tau: `tau` is -1"), "{found:?}");
        assert!(found[1].starts_with("steps: "), "{found:?}");
        assert!(found[2].starts_with("population[H1.E].size: "), "{found:?}");
        assert!(
            found[3].contains("unknown population `H1.F`; did you mean `H1.E`?"),
            "{found:?}"
        );
    }

    #[test]
    fn more_weights_than_fit_in_memory_are_refused() {
        let found = mistakes(&[
            ("size = 4", "size = 4000000000"),
            ("size = 3", "size = 3000000"),
        ]);
        assert!(
            found[0].starts_with("population[Input.E].size: "),
            "{found:?}"
        );
        let second = "projection[H1.E<-Input.E]: has 3000000 x 4000000000 weights";
        assert!(found.iter().any(|it| it.starts_with(second)), "{found:?}");
    }

    #[test]
    fn so_are_many_projections_that_fit_one_by_one() {
        // 4 x 500000000 and 500000000 x 2, of which the tied one owns nothing.
        let found = mistakes(&[("size = 3", "size = 500000000")]);
        let all = "projection: 5000000000 weights in all; accepted: at most 2147483648 together";
        assert_eq!(found, [all]);
    }

    #[test]
    fn as_many_weights_as_there_may_be_are_accepted() {
        let check = |output: usize| {
            let text = format!(
                r#"
                tau = 1.0
                steps = 1
                population = [
                    {{ name = "Input.E", size = 65536, cell = "excitatory" }},
                    {{ name = "Output.E", size = {output}, cell = "excitatory" }},
                ]
                projection = [{{ name = "Output.E<-Input.E", weight = {{ kind = "half_kaiming" }} }}]
                "#
            );
            toml::from_str::<NetworkSpec>(&text).unwrap().check()
        };
        assert_eq!(check(1 << 15).unwrap().parameters(), 1 << 31);
        let errors = check((1 << 15) + 1).unwrap_err().to_string();
        assert!(errors.contains("has 32769 x 65536 weights"), "{errors}");
    }

    #[test]
    fn more_steps_than_anything_settles_for_are_refused() {
        assert_eq!(mistakes(&[("steps = 15", "steps = 10000")]).len(), 0);
        let found = mistakes(&[("steps = 15", "steps = 10001")]);
        assert_eq!(found, ["steps: `steps` is 10001; accepted: 1 to 10000"]);
    }

    #[test]
    fn tied_weights_must_fit_and_obey_the_law() {
        let shape = mistakes(&[("transpose = true", "transpose = false")]);
        assert!(
            shape[0].contains("(2, 3) there and (3, 2) here"),
            "{shape:?}"
        );
        let sign = mistakes(&[("scale = 0.5", "scale = -0.5")]);
        assert!(sign[0].contains("break Dale's law"), "{sign:?}");
        let name = mistakes(&[("of = \"Output.E<-H1.E\"", "of = \"Output.E<-H2.E\"")]);
        assert!(
            name[0].contains("did you mean `Output.E<-H1.E`?"),
            "{name:?}"
        );
        let chain = mistakes(&[("of = \"Output.E<-H1.E\"", "of = \"H1.E<-Output.E\"")]);
        assert!(
            chain.iter().any(|it| it.contains("is tied itself")),
            "{chain:?}"
        );
    }

    #[test]
    fn what_could_never_fire_or_stands_apart_is_refused() {
        let silent = mistakes(&[("H1.DendI<-H1.E\", timing = \"previous\"", "H1.E<-H1.E\"")]);
        assert!(
            silent[0].starts_with("population[H1.DendI]: receives no projection"),
            "{silent:?}"
        );
        let twice = mistakes(&[("Output.E\", size", "H1.E\", size")]);
        assert!(
            twice.iter().any(|it| it.contains("listed already")),
            "{twice:?}"
        );
        let input = mistakes(&[("H1.E<-Input.E", "Input.E<-H1.E")]);
        assert!(
            input
                .iter()
                .any(|it| it.contains("the input is set from outside")),
            "{input:?}"
        );
    }
}
