//! From what a file says of a projection's geometry to sizes.

use super::{GeometrySpec, Grain, PopulationSpec, ProjectionSpec, Size};
use crate::geometry::{Convolution, Geometry, Pool, Wiring};

/// The wiring of a projection between two populations, and the `[rows, columns]` of its weights.
///
/// # Errors
///
/// The key that is wrong and one sentence.
pub(super) fn wiring(
    projection: &ProjectionSpec,
    from: &PopulationSpec,
    to: &PopulationSpec,
) -> Result<(Wiring, [usize; 2]), (&'static str, String)> {
    let pools = |grain, key, population| match grain {
        Grain::Units => Ok(None),
        Grain::Pools => pool(population, key)
            .map(Some)
            .map_err(|message| (key, message)),
    };
    let hears = pools(projection.hears, "hears", from)?;
    let reaches = pools(projection.reaches, "reaches", to)?;
    let heard = hears.map_or(from.size.shape(), |pool| pool.pooled());
    let reached = reaches.map_or(to.size.shape(), |pool| pool.pooled());
    match projection.geometry {
        GeometrySpec::Dense => {
            let dims = [units(heard), units(reached)];
            let wiring = Wiring {
                hears,
                geometry: Geometry::Dense,
                reaches,
            };
            Ok((wiring, dims))
        }
        GeometrySpec::Convolution(kernel) => {
            let flat = [from, to].into_iter().find(|it| !is_maps(it.size));
            if let Some(flat) = flat {
                let message = format!(
                    "a convolution needs maps; accepted: a size of [maps, height, width] for `{}`, \
                     which is {}",
                    flat.name, flat.size
                );
                return Err(("geometry", message));
            }
            let convolution = Convolution::new(kernel, heard, reached)
                .map_err(|message| ("geometry", message))?;
            let dims = [convolution.fan_in(), convolution.output[0]];
            let wiring = Wiring {
                hears,
                geometry: Geometry::Convolution(convolution),
                reaches,
            };
            Ok((wiring, dims))
        }
    }
}

/// The pools of a population.
///
/// # Errors
///
/// One sentence if it has none, or its maps cannot be divided so.
fn pool(population: &PopulationSpec, key: &str) -> Result<Pool, String> {
    let name = &population.name;
    let pool = population.pool.ok_or_else(|| {
        format!("`{name}` has no pools; accepted: `{key} = \"units\"`, or a `pool` of `{name}`")
    })?;
    Pool::new(pool, population.size.shape())
}

fn is_maps(size: Size) -> bool {
    matches!(size, Size::Maps(_))
}

fn units([maps, height, width]: [usize; 3]) -> usize {
    maps.saturating_mul(height).saturating_mul(width)
}
