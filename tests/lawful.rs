//! Every law that a specification states, checked on every weight of a network.

use burn_dendrite::nn::{
    CellType, ConstraintSpec, Network, ProjectionId, ProjectionPlan, WeightSource,
};

/// What a single-precision sum of a few hundred weights is off by.
const ROUNDING: f64 = 1e-5;

/// The first law that is broken, and where.
pub(crate) fn check(network: &Network) -> Result<(), String> {
    for (index, projection) in network.plan().projections.iter().enumerate() {
        let id = ProjectionId(index);
        let weights: Vec<f32> = network.weight(id).into_data().iter().collect();
        let broken = |law: &str| Err(format!("{}: {law}", projection.name));
        if weights.iter().any(|it| !it.is_finite()) {
            return broken("not finite");
        }
        let sign = projection.site.cell.sign() as f32;
        let obeys = |weight: &f32| weight * sign >= 0.0;
        if projection.site.cell != CellType::Unconstrained && !weights.iter().all(obeys) {
            return broken("Dale's law");
        }
        if !equals_its_source(network, projection, &weights) {
            return broken("tied feedback");
        }
        if let Some(exists) = network.existing(id) {
            let mut missing = weights.iter().zip(exists).filter(|(_, exists)| !exists);
            if missing.any(|(weight, _)| *weight != 0.0) {
                return broken("a synapse that does not exist");
            }
        }
        for (at, constraint) in projection.constraints.iter().enumerate() {
            let later = &projection.constraints[at + 1..];
            if let Err(law) = constraint_holds(constraint, later, projection, &weights) {
                return broken(&law);
            }
        }
    }
    for (id, population) in network.plan().populations.iter() {
        let (Some(spec), Some(bias)) = (&population.bias, network.bias(id)) else {
            continue;
        };
        let lower = spec.lower.map_or(f32::NEG_INFINITY, |it| it as f32);
        let upper = spec.upper.map_or(f32::INFINITY, |it| it as f32);
        if bias
            .into_data()
            .iter::<f32>()
            .any(|it| !(lower..=upper).contains(&it))
        {
            return Err(format!("{}: bounds of the bias", population.name));
        }
    }
    Ok(())
}

fn equals_its_source(network: &Network, projection: &ProjectionPlan, weights: &[f32]) -> bool {
    let WeightSource::Tied {
        of,
        transpose,
        scale,
    } = projection.source
    else {
        return true;
    };
    let source = network.weight(of);
    let [pre, post] = source.dims();
    let source: Vec<f32> = source.into_data().iter().collect();
    // Row-major `[pre, post]`, read across where the view is transposed.
    let expected: Vec<f32> = if !transpose {
        source
    } else {
        (0..post)
            .flat_map(|row| (0..pre).map(move |column| column * post + row))
            .map(|at| source[at])
            .collect()
    };
    let scaled = expected.iter().map(|it| it * scale as f32);
    weights.iter().copied().eq(scaled)
}

/// A constraint holds unless one that comes after it may undo it.
fn constraint_holds(
    constraint: &ConstraintSpec,
    later: &[ConstraintSpec],
    projection: &ProjectionPlan,
    weights: &[f32],
) -> Result<(), String> {
    let post = projection.site.post;
    let column = |unit: usize| weights.iter().skip(unit).step_by(post);
    let undone = |kinds: &[&str]| later.iter().any(|it| kinds.contains(&it.kind()));
    let broken = match constraint {
        ConstraintSpec::FanInSum(it) if !undone(&["upper_bound", "fan_in_sum"]) => {
            let sum = |unit| -> f64 { column(unit).map(|weight| f64::from(weight.abs())).sum() };
            let off = |sum: &f64| *sum != 0.0 && (sum - it.total).abs() > ROUNDING * it.total;
            (0..post).map(sum).any(|sum| off(&sum))
        }
        ConstraintSpec::UpperBound(it) if !undone(&["fan_in_sum"]) => {
            let above = |weight: &f32| weight.abs() > it.magnitude as f32;
            weights.iter().any(above)
        }
        ConstraintSpec::NoAutapses(_) => {
            let mut diagonal = weights.iter().step_by(post + 1);
            diagonal.any(|weight| *weight != 0.0)
        }
        ConstraintSpec::FanInSum(_) | ConstraintSpec::UpperBound(_) => false,
        ConstraintSpec::Registered(own) => {
            return Err(format!("nobody says what `{}` is to keep", own.name()));
        }
    };
    if broken {
        return Err(format!("constraint `{}`", constraint.kind()));
    }
    Ok(())
}
