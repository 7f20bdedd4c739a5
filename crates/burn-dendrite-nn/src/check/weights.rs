//! Weights that are views of others, or follow from them.

use std::collections::HashMap;

use super::{Checker, wiring_between};
use crate::{
    PopulationName, ProjectionId, ProjectionName,
    constraint::ConstraintSite,
    error::unknown_name,
    geometry::Geometry,
    plan::WeightSource,
    spec::{Balance, CellType, Kernel, ProjectionSpec, WeightSpec},
};

impl<'a> Checker<'a> {
    pub(super) fn balance(
        &mut self,
        path: &str,
        projection: &ProjectionSpec,
        balance: &Balance,
        site: &ConstraintSite,
        known: &HashMap<&ProjectionName, ProjectionId>,
    ) -> Option<WeightSource> {
        if !projection.constraints.is_empty() {
            self.wrong(path, "derived weights take no constraints");
        }
        if site.cell != CellType::Inhibitory {
            self.wrong(
                path,
                "`balance` subtracts; accepted: inhibitory presynaptic cells",
            );
        }
        let mut find = |key: &str, name: &ProjectionName| {
            let id = known.get(name).copied();
            match id {
                Some(id) if matches!(self.spec.projections[id.0].weight, WeightSpec::Own(_)) => {}
                Some(_) => self.wrong(
                    format!("{path}.{key}"),
                    format!("`{name}` has no weights of its own; name one that has"),
                ),
                None => {
                    let names = self.spec.projections.iter().map(|it| it.name.to_string());
                    let message = unknown_name("projection", &name.to_string(), names);
                    self.wrong(format!("{path}.{key}"), message);
                }
            }
            id
        };
        let (of, through) = (find("of", &balance.of), find("through", &balance.through));
        let (of, through) = (of?, through?);
        let fits = balance.of.post == projection.name.post
            && balance.through.post == projection.name.pre
            && balance.of.pre == balance.through.pre;
        if !fits {
            let name = &projection.name;
            let message = format!(
                "`of` and `through` must come from one population and go to `{}` and `{}`",
                name.post, name.pre
            );
            self.wrong(path, message);
        } else if !self.is_balanceable(balance, projection, site) {
            let message = "`of` and `through` must hear alike, by the same kernel, and this projection \
                           must lead from the interneurons by a kernel of 1, local if they are, or be \
                           dense as they are";
            self.wrong(path, message);
        }
        Some(WeightSource::Balance { of, through })
    }

    /// Whether the excitation that is balanced and that of the interneurons are laid out alike, and the
    /// weights that follow have a place.
    fn is_balanceable(
        &self,
        balance: &Balance,
        projection: &ProjectionSpec,
        site: &ConstraintSite,
    ) -> bool {
        let find = |name: &ProjectionName| {
            let mut named = self.spec.projections.iter().filter(|it| it.name == *name);
            wiring_between(self.spec, named.next()?)?.ok()
        };
        let Some((of, through)) = find(&balance.of).zip(find(&balance.through)) else {
            // Reported where it stands.
            return true;
        };
        let ((of, [_, onto]), (through, [_, interneurons])) = (of, through);
        let given = wiring_between(self.spec, projection).and_then(Result::ok);
        let given = given.map(|(wiring, _)| wiring.geometry);
        let (alike, cells) = match (of.geometry, through.geometry) {
            (Geometry::Dense, Geometry::Dense) => (true, site.pre),
            (Geometry::Convolution(of), Geometry::Convolution(through)) => {
                (of.kernel == through.kernel, site.pre)
            }
            (Geometry::Local(of), Geometry::Local(through)) => {
                let (of, through) = (of.windows, through.windows);
                let own_place = matches!(given, Some(Geometry::Local(own))
                    if own.windows.kernel == Kernel::same(1) && own.windows.input == through.output);
                (
                    own_place && of.kernel == through.kernel,
                    site.pre * through.places(),
                )
            }
            _ => (false, site.pre),
        };
        alike && of.hears == through.hears && [cells, site.post] == [interneurons, onto]
    }

    pub(super) fn tied(
        &mut self,
        path: &str,
        projection: &ProjectionSpec,
        of: Option<ProjectionId>,
        cell: CellType,
    ) -> Option<WeightSource> {
        let WeightSpec::Tied(tied) = &projection.weight else {
            return None;
        };
        let Some(of) = of else {
            let known = self.spec.projections.iter().map(|it| it.name.to_string());
            self.wrong(
                path,
                unknown_name("projection", &tied.of.to_string(), known),
            );
            return None;
        };
        let source = &self.spec.projections[of.0];
        if matches!(source.weight, WeightSpec::Tied(_)) {
            let message = format!(
                "`{}` is tied itself; name the one that owns weights",
                tied.of
            );
            self.wrong(path, message);
        }
        let population =
            |name: &PopulationName| self.spec.populations.iter().find(|it| it.name == *name);
        let size = |name: &PopulationName| population(name).map(|it| it.size.neurons());
        let ends = |name: &ProjectionName| (size(&name.post), size(&name.pre));
        let (post, pre) = ends(&projection.name);
        let given = if tied.transpose {
            (pre, post)
        } else {
            (post, pre)
        };
        let source_cell = population(&source.name.pre).map(|it| it.cell);
        let wanted = ends(&source.name);
        if wanted != given {
            let message = format!(
                "the weights of `{}` do not fit{}: sizes (post, pre) are {:?} there and {:?} here",
                tied.of,
                if tied.transpose {
                    " transposed"
                } else {
                    "; is `transpose = true` missing?"
                },
                (wanted.0.unwrap_or(0), wanted.1.unwrap_or(0)),
                (post.unwrap_or(0), pre.unwrap_or(0)),
            );
            self.wrong(path, message);
        }
        if !tied.scale.is_finite() || tied.scale == 0.0 {
            self.wrong(
                path,
                format!("`scale` is {}; accepted: a number but 0", tied.scale),
            );
        }
        // A view is lawful if its sign is that of the cell that sends through it.
        let lawful = match (cell, source_cell) {
            (CellType::Unconstrained, _) | (_, None) => true,
            (_, Some(CellType::Unconstrained)) => false,
            (cell, Some(source)) => cell.sign() == source.sign() * tied.scale.signum(),
        };
        if !lawful {
            let message = format!(
                "weights of `{}` times {} break Dale's law for {} cells",
                tied.of,
                tied.scale,
                if cell == CellType::Inhibitory {
                    "inhibitory"
                } else {
                    "excitatory"
                },
            );
            self.wrong(path, message);
        }
        Some(WeightSource::Tied {
            of,
            transpose: tied.transpose,
            scale: tied.scale,
        })
    }
}
