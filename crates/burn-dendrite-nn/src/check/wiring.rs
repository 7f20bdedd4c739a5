//! From what a file says of a projection's geometry to sizes.

use crate::geometry::{Convolution, Geometry, Local, Pool, ReceptiveFields, Wiring};
use crate::spec::{GeometrySpec, Grain, PopulationSpec, ProjectionSpec, Size};

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
    let (geometry, dims) = geometry(projection.geometry, [from, to], [heard, reached])
        .map_err(|message| ("geometry", message))?;
    let wiring = Wiring {
        hears,
        geometry,
        reaches,
    };
    Ok((wiring, dims))
}

/// A geometry between two populations, of whose maps these are heard and reached, and the `[rows, columns]` of
/// its weights.
///
/// # Errors
///
/// One sentence if it does not lead from the one to the other.
fn geometry(
    spec: GeometrySpec,
    populations: [&PopulationSpec; 2],
    [heard, reached]: [[usize; 3]; 2],
) -> Result<(Geometry, [usize; 2]), String> {
    match spec {
        GeometrySpec::Dense => Ok((Geometry::Dense, [units(heard), units(reached)])),
        GeometrySpec::Convolution(kernel) => {
            need_maps("a convolution", &populations)?;
            let convolution = Convolution::new(kernel, heard, reached)?;
            let dims = [convolution.fan_in(), convolution.output[0]];
            Ok((Geometry::Convolution(convolution), dims))
        }
        GeometrySpec::Local(kernel) => {
            need_maps("a local projection", &populations)?;
            let local = Local::new(kernel, heard, reached)?;
            let dims = [local.windows.fan_in(), local.units()];
            Ok((Geometry::Local(local), dims))
        }
        GeometrySpec::ReceptiveFields { size } => {
            need_maps("a projection of receptive fields", &populations[..1])?;
            let fields = ReceptiveFields::new(size, heard)?;
            let dims = [fields.synapses(), units(reached)];
            Ok((Geometry::ReceptiveFields(fields), dims))
        }
    }
}

/// Refuses populations that are no maps.
fn need_maps(what: &str, populations: &[&PopulationSpec]) -> Result<(), String> {
    match populations.iter().find(|it| !is_maps(it.size)) {
        None => Ok(()),
        Some(flat) => Err(format!(
            "{what} needs maps; accepted: a size of [maps, height, width] for `{}`, which is {}",
            flat.name, flat.size
        )),
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

#[cfg(test)]
mod tests {
    use crate::{NetworkSpec, SpecError};

    /// A layer of maps that is heard by pools, with balanced inhibition and feedback by a tie.
    const LAWFUL: &str = r#"
        tau = 1.0
        steps = 1
        population = [
            { name = "Input.E", size = [2, 6, 8], cell = "excitatory" },
            { name = "H1.SomaI", size = [1, 6, 8], cell = "inhibitory" },
            { name = "H1.E", size = [3, 6, 8], cell = "excitatory", pool = { kind = "max", size = 2 }, bias = { init = { kind = "constant", value = 0.0 }, per = "map" } },
            { name = "Output.E", size = 5, cell = "excitatory" },
        ]
        projection = [
            { name = "H1.E<-Input.E", geometry = { kind = "convolution", kernel = 3, padding = 1 }, weight = { kind = "half_kaiming" } },
            { name = "H1.SomaI<-Input.E", geometry = { kind = "convolution", kernel = 3, padding = 1 }, weight = { kind = "half_kaiming" } },
            { name = "H1.E<-H1.SomaI", geometry = { kind = "convolution", kernel = 1 }, weight = { kind = "balance", of = "H1.E<-Input.E", through = "H1.SomaI<-Input.E" } },
            { name = "Output.E<-H1.E", hears = "pools", weight = { kind = "half_kaiming" } },
            { name = "H1.E<-Output.E", compartment = "dendrite", active = "backward", weight = { kind = "tied", of = "Output.E<-H1.E", transpose = true } },
        ]
    "#;

    fn mistakes(from: &str, to: &str) -> Vec<String> {
        assert!(LAWFUL.contains(from), "{from}");
        let spec: NetworkSpec = toml::from_str(&LAWFUL.replacen(from, to, 1)).unwrap();
        let errors = spec.check().err().into_iter();
        errors
            .flat_map(|errors| errors.iter().map(SpecError::to_string).collect::<Vec<_>>())
            .collect()
    }

    #[test]
    fn weights_are_counted_by_kernels_and_pools() {
        let plan = toml::from_str::<NetworkSpec>(LAWFUL)
            .unwrap()
            .check()
            .unwrap();
        let dims = |index: usize| {
            [
                plan.projections[index].site.pre,
                plan.projections[index].site.post,
            ]
        };
        // Two maps of 3 x 3 synapses onto three maps; one interneuron onto three; 3 x 3 x 4 pools.
        assert_eq!(
            [dims(0), dims(2), dims(3), dims(4)],
            [[18, 3], [1, 3], [36, 5], [5, 36]]
        );
        assert_eq!(plan.projections[0].fan_in(), 18);
        // 18·3 + 18 + 36·5 weights and a bias for each map; what follows or is tied owns nothing.
        assert_eq!(plan.parameters(), 54 + 18 + 180 + 3);
    }

    #[test]
    fn local_weights_are_counted_without_those_beyond_the_border() {
        let text = LAWFUL.replace("convolution", "local");
        let plan = toml::from_str::<NetworkSpec>(&text)
            .unwrap()
            .check()
            .unwrap();
        let excitation = &plan.projections[0];
        assert_eq!([excitation.site.pre, excitation.site.post], [18, 3 * 6 * 8]);
        assert_eq!(excitation.fan_in(), 18);
        // Three of each window but at the borders: 3·6 − 2 lines and 3·8 − 2 columns are inside.
        let inside = 2 * (3 * 6 - 2) * (3 * 8 - 2);
        assert_eq!(excitation.weights(), 3 * inside);
        // Onto three maps and one of interneurons, 36·5 onto the output, and a bias for each map.
        assert_eq!(plan.parameters(), 4 * inside + 180 + 3);
    }

    #[test]
    fn receptive_fields_need_an_image_with_room_for_them() {
        let fields = |size: &str| {
            let geometry = format!("geometry = {{ kind = \"receptive_fields\", size = {size} }}");
            let own = "weight = { kind = \"half_kaiming\" }";
            format!(
                r#"
                tau = 1.0
                steps = 1
                population = [
                    {{ name = "Input.E", size = [2, 6, 8], cell = "excitatory" }},
                    {{ name = "Output.E", size = 5, cell = "excitatory" }},
                ]
                projection = [{{ name = "Output.E<-Input.E", {geometry}, {own} }}]
                "#
            )
        };
        let read = |text: &str| toml::from_str::<NetworkSpec>(text).unwrap().check();
        let plan = read(&fields("3")).unwrap();
        let site = plan.projections[0].site;
        // Squares of 3 x 3 of two maps for each of five units, of 96 that there are.
        assert_eq!([site.pre, site.post], [18, 5]);
        assert_eq!((plan.projections[0].fan_in(), plan.parameters()), (18, 90));
        for (text, message) in [
            (fields("7"), "`size` is 7; accepted: 1 to 6"),
            (fields("0"), "`size` is 0; accepted: 1 to 6"),
            (
                fields("3").replace("[2, 6, 8]", "96"),
                "a projection of receptive fields needs maps; accepted: a size of [maps, height, width] for `Input.E`",
            ),
        ] {
            let error = read(&text).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn local_windows_that_do_not_fit_are_refused_with_the_way_out() {
        let mistakes = |from: &str, to: &str| {
            let text = LAWFUL.replace("convolution", "local");
            assert!(text.contains(from), "{from}");
            let spec: NetworkSpec = toml::from_str(&text.replacen(from, to, 1)).unwrap();
            spec.check().unwrap_err().to_string()
        };
        for (from, to, message) in [
            (
                "size = [2, 6, 8]",
                "size = 96",
                "a local projection needs maps; accepted: a size of [maps, height, width] for `Input.E`",
            ),
            ("padding = 1", "padding = 0", "gives maps of 4 x 6"),
            (
                "geometry = { kind = \"local\", kernel = 1 }",
                "geometry = { kind = \"convolution\", kernel = 1 }",
                "by a kernel of 1, local if they are",
            ),
            (
                "geometry = { kind = \"local\", kernel = 3, padding = 1 }",
                "geometry = { kind = \"convolution\", kernel = 3, padding = 1 }",
                "`of` and `through` must hear alike",
            ),
        ] {
            let found = mistakes(from, to);
            assert!(found.contains(message), "{from}: {found}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_with_the_way_out() {
        for (from, to, message) in [
            (
                "size = [2, 6, 8]",
                "size = 96",
                "a convolution needs maps; accepted: a size of [maps, height, width] for `Input.E`",
            ),
            ("padding = 1", "padding = 0", "gives maps of 4 x 6"),
            ("kernel = 1", "kernel = 3", "gives maps of 4 x 6"),
            (
                "kind = \"max\", size = 2",
                "kind = \"max\", size = 4",
                "a divisor of 6 and 8",
            ),
            (
                "size = [3, 6, 8], cell",
                "size = [3, 6, 8], activation = \"tanh\", cell",
                "those that lose are silent",
            ),
            (
                "pool = { kind = \"max\", size = 2 }, ",
                "",
                "`H1.E` has no pools; accepted: `hears = \"units\"`",
            ),
            (
                "transpose = true }",
                "transpose = true }, hears = \"pools\"",
                "tied weights take the geometry of their source",
            ),
            (
                "geometry = { kind = \"convolution\", kernel = 1 }, ",
                "",
                "`of` and `through` must hear alike",
            ),
            (
                "size = [3, 6, 8]",
                "size = [0, 6, 8]",
                "`size` is 0 x 6 x 8; accepted: 1 or more",
            ),
        ] {
            let found = mistakes(from, to);
            assert!(
                found.iter().any(|it| it.contains(message)),
                "{from}: {found:?}"
            );
        }
    }
}
