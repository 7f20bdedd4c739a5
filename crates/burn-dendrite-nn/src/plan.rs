//! A checked specification with every name resolved.

use crate::{
    Activation, ConstraintSpec, InitializerSpec, PerPopulation, PopulationId, PopulationName,
    ProjectionId, ProjectionName,
    constraint::ConstraintSite,
    error::unknown_name,
    geometry::Wiring,
    numbers::{Bounds, Rows},
    spec::{
        Active, BiasSpec, CellType, Compartment, NetworkSpec, PoolKind, PoolSpec, Sharing, Timing,
    },
};

/// A checked network: what [`NetworkSpec::check`] returns and a [`Network`](crate::Network) runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The specification that was checked.
    pub spec: NetworkSpec,
    /// The populations in order of update.
    pub populations: PerPopulation<PopulationPlan>,
    /// The projections in the listed order.
    pub projections: Vec<ProjectionPlan>,
    /// The layers in order; the first holds the input.
    pub layers: Vec<Vec<PopulationId>>,
    /// The population that is set to the input.
    pub input: PopulationId,
    /// The population that is compared with the target.
    pub output: PopulationId,
    /// Steps of the forward phase.
    pub steps: usize,
}

/// A population with its names resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct PopulationPlan {
    /// Its name.
    pub name: PopulationName,
    /// Number of neurons.
    pub size: usize,
    /// `[maps, height, width]`; neurons that are no maps are maps of one place each.
    pub shape: [usize; 3],
    /// Squares of its maps that are heard as one unit.
    pub pool: Option<PoolSpec>,
    /// Cell type.
    pub cell: CellType,
    /// From somatic state to activity.
    pub activation: Activation,
    /// Time constant in steps.
    pub tau: f64,
    /// Start and bounds of the bias.
    pub bias: Option<BiasSpec>,
    /// Projections onto it, in the listed order.
    pub incoming: Vec<ProjectionId>,
}

/// A projection with its names resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct ProjectionPlan {
    /// Its name.
    pub name: ProjectionName,
    /// The population that receives.
    pub post: PopulationId,
    /// The population that sends.
    pub pre: PopulationId,
    /// Where it ends.
    pub compartment: Compartment,
    /// Which presynaptic activity arrives.
    pub timing: Timing,
    /// In which phases it acts.
    pub active: Active,
    /// Where its weights come from.
    pub source: WeightSource,
    /// Where its weights apply; a tied one's wiring is that of its source, in the source's direction.
    pub wiring: Wiring,
    /// What holds of its weights.
    pub constraints: Vec<ConstraintSpec>,
    /// Rows and columns of the weights, cell type and recurrence.
    pub site: ConstraintSite,
}

/// Where the weights of a projection come from, with names resolved.
#[derive(Clone, Debug, PartialEq)]
pub enum WeightSource {
    /// Weights of its own, started like this.
    Own(InitializerSpec),
    /// A view of another projection's weights.
    Tied {
        /// The projection that owns the weights.
        of: ProjectionId,
        /// Whether rows and columns change places.
        transpose: bool,
        /// Factor on the weights.
        scale: f64,
    },
    /// Weights that follow from two others; see [`Balance`](crate::spec::Balance).
    Balance {
        /// The excitation that is balanced.
        of: ProjectionId,
        /// The excitation of the interneurons.
        through: ProjectionId,
    },
}

impl PopulationPlan {
    /// Number of biases, if it has any: one a neuron, or one a map.
    pub fn biases(&self) -> usize {
        match self.bias.as_ref().map(|bias| bias.per) {
            Some(Sharing::Map) => self.shape[0],
            Some(Sharing::Unit) | None => self.size,
        }
    }

    /// Activity `f(s)` where the units of a pool compete.
    pub(crate) fn respond<R: Rows>(&self, soma: R) -> R {
        let activity = soma.respond(self.activation);
        match self.pool.filter(|_| self.competes()) {
            Some(pool) => activity.strongest_of_squares(self.shape, pool.size),
            None => activity,
        }
    }

    /// The same where the units that fired `before` remain those that fire.
    pub(crate) fn respond_again<R: Rows>(&self, soma: R, before: &R) -> R {
        let activity = soma.respond(self.activation);
        if self.competes() {
            activity * before.clone().nonzero()
        } else {
            activity
        }
    }

    /// True where only the strongest unit of each pool fires.
    pub fn competes(&self) -> bool {
        self.pool.is_some_and(|pool| pool.kind == PoolKind::Max)
    }

    /// The bias within its bounds.
    pub(crate) fn constrain_bias<R: Rows>(&self, bias: R) -> R {
        self.bias
            .as_ref()
            .map_or(Bounds::NONE, BiasSpec::bounds)
            .clamp(bias)
    }
}

impl ProjectionPlan {
    /// How many presynaptic units each postsynaptic unit hears.
    pub fn fan_in(&self) -> usize {
        self.constraints
            .iter()
            .filter_map(|constraint| constraint.fan_in(&self.site))
            .min()
            .unwrap_or(self.site.pre)
    }

    /// Number of weights: of all synapses that its geometry allows.
    pub fn weights(&self) -> usize {
        self.wiring.synapses([self.site.pre, self.site.post])
    }

    /// True where the weights are its own and could be learned.
    pub fn is_owned(&self) -> bool {
        matches!(self.source, WeightSource::Own(_))
    }

    /// True where it has a matrix of weights, learned or derived, and not a view of another one's.
    pub fn has_weights(&self) -> bool {
        !matches!(self.source, WeightSource::Tied { .. })
    }

    /// True where it uses the weights of another one the other way round.
    pub fn is_transposed(&self) -> bool {
        matches!(
            self.source,
            WeightSource::Tied {
                transpose: true,
                ..
            }
        )
    }

    /// True where pre and post are the same population.
    pub fn is_recurrent(&self) -> bool {
        self.pre == self.post
    }
}

impl Plan {
    /// The projection of an id.
    pub fn projection(&self, id: ProjectionId) -> &ProjectionPlan {
        &self.projections[id.0]
    }

    /// The projections onto `post` that end at `compartment`, in the listed order.
    pub fn incoming(
        &self,
        post: PopulationId,
        compartment: Compartment,
    ) -> impl Iterator<Item = (ProjectionId, &ProjectionPlan)> {
        self.populations[post]
            .incoming
            .iter()
            .map(|&id| (id, self.projection(id)))
            .filter(move |(_, projection)| projection.compartment == compartment)
    }

    /// True where projections end at the population's dendrite.
    pub fn has_dendrite(&self, population: PopulationId) -> bool {
        self.incoming(population, Compartment::Dendrite)
            .next()
            .is_some()
    }

    /// The projections whose weights [follow](crate::spec::Balance) from others, each with those two.
    pub fn balances(&self) -> impl Iterator<Item = (ProjectionId, ProjectionId, ProjectionId)> {
        let projections = self.projections.iter().enumerate();
        projections.filter_map(|(index, projection)| match projection.source {
            WeightSource::Balance { of, through } => Some((ProjectionId(index), of, through)),
            WeightSource::Own(_) | WeightSource::Tied { .. } => None,
        })
    }

    /// The population of that name.
    ///
    /// # Errors
    ///
    /// One sentence with the nearest name.
    pub fn population(&self, name: &PopulationName) -> Result<PopulationId, String> {
        let mut found = self
            .populations
            .iter()
            .filter(|(_, population)| population.name == *name);
        found.next().map(|(id, _)| id).ok_or_else(|| {
            let names = self
                .populations
                .iter()
                .map(|(_, population)| population.name.to_string());
            unknown_name("population", &name.to_string(), names)
        })
    }

    /// The projection of that name.
    ///
    /// # Errors
    ///
    /// One sentence with the nearest name.
    pub fn projection_named(&self, name: &ProjectionName) -> Result<ProjectionId, String> {
        let mut names = self.projections.iter().map(|projection| &projection.name);
        names
            .position(|known| known == name)
            .map(ProjectionId)
            .ok_or_else(|| {
                let names = self
                    .projections
                    .iter()
                    .map(|projection| projection.name.to_string());
                unknown_name("projection", &name.to_string(), names)
            })
    }

    /// Number of weights and biases that the network owns, learned or not.
    pub fn parameters(&self) -> usize {
        let weights = self
            .projections
            .iter()
            .filter(|projection| projection.is_owned());
        let biases = self
            .populations
            .iter()
            .filter(|(_, population)| population.bias.is_some());
        weights.map(ProjectionPlan::weights).sum::<usize>()
            + biases.map(|(_, it)| it.biases()).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        NetworkSpec, PopulationId,
        numbers::{HostRows, Rows},
    };

    #[test]
    fn units_of_a_pool_compete_where_it_passes_the_largest_on() {
        let plan = |pool: &str| {
            let text = format!(
                r#"
                tau = 1.0
                steps = 1
                population = [
                    {{ name = "Input.E", size = 1, cell = "excitatory" }},
                    {{ name = "Output.E", size = [1, 2, 2], cell = "excitatory"{pool} }},
                ]
                projection = [{{ name = "Output.E<-Input.E", weight = {{ kind = "half_kaiming" }} }}]
                "#
            );
            let spec: NetworkSpec = toml::from_str(&text).unwrap();
            spec.check().unwrap()
        };
        let row = |values: [f32; 4]| HostRows::from_values(&values, [1, 4]);
        let respond = |pool: &str| {
            let soma = row([1.0, 3.0, -2.0, 0.5]);
            plan(pool).populations[PopulationId(1)]
                .respond(soma)
                .to_values()
        };
        assert_eq!(respond(""), [1.0, 3.0, 0.0, 0.5]);
        assert_eq!(
            respond(r#", pool = { kind = "average", size = 2 }"#),
            [1.0, 3.0, 0.0, 0.5]
        );
        assert_eq!(
            respond(r#", pool = { kind = "max", size = 2 }"#),
            [0.0, 3.0, 0.0, 0.0]
        );
        let again = |pool: &str| {
            let (soma, before) = (row([4.0, 3.0, -2.0, 0.5]), row([0.0, 3.0, 0.0, 0.0]));
            let output = &plan(pool).populations[PopulationId(1)];
            output.respond_again(soma, &before).to_values()
        };
        assert_eq!(again(""), [4.0, 3.0, 0.0, 0.5]);
        assert_eq!(
            again(r#", pool = { kind = "max", size = 2 }"#),
            [0.0, 3.0, 0.0, 0.0]
        );
    }
}
