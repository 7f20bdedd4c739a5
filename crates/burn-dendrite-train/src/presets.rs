//! The published networks, ready to train.

use burn_dendrite_nn::{SpecErrors, error::unknown_name, spec::Format};

use crate::spec::ExperimentSpec;

/// One line registers a preset: its name is the file's.
macro_rules! presets {
    ($($name:literal),* $(,)?) => {
        const TEXTS: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../presets/", $name, ".toml")))),*];
    };
}

presets![
    "mnist-dtp",
    "mnist-dtp-dendi-backprop",
    "mnist-dtp-fixed-dendi",
    "mnist-dtp-equilibrated",
    "mnist-dtp-learned-feedback",
    "mnist-dtp-fixed-feedback",
    "mnist-dtp-btsp",
    "mnist-dtp-btsp-learned-feedback",
    "mnist-dtp-btsp-fixed-feedback",
    "mnist-dtp-temporal-contrast",
    "mnist-dtp-bcm",
    "mnist-hebbian",
    "mnist-backprop-ei",
    "mnist-backprop-ei-learned-somai",
    "mnist-backprop-ei-receptive-fields",
    "mnist-backprop-dale",
    "mnist-backprop-ann",
    "mnist-backprop-ann-1-hidden",
    "mnist-backprop-ann-0-hidden",
    "mnist-backprop-ann-fixed-hidden",
    "fashion-mnist-dtp",
    "fashion-mnist-dtp-learned-feedback",
    "fashion-mnist-dtp-btsp",
    "fashion-mnist-dtp-btsp-learned-feedback",
    "fashion-mnist-backprop-ei",
    "fashion-mnist-backprop-ei-learned-bias",
    "fashion-mnist-backprop-ann",
    "fashion-mnist-backprop-ann-0-hidden",
    "fashion-mnist-backprop-ann-fixed-hidden",
    "cifar10-dtp",
    "cifar10-backprop-ei",
    "cifar10-backprop-ann",
    "cifar10-backprop-ann-learned-bias",
    "cifar10-backprop-ann-receptive-fields",
    "spirals-dtp",
    "spirals-backprop-ei",
    "spirals-backprop-ann",
    "spirals-backprop-ann-zero-bias",
    "spirals-backprop-ann-0-hidden",
    "mnist-mirrored-dtp",
    "mnist-mirrored-backprop",
    "mnist-mirrored-dtp-learned-feedback",
    "mnist-deep-dtp",
    "mnist-deep-backprop",
    "mnist-deep-dtp-local",
    "fashion-mnist-mirrored-dtp",
    "fashion-mnist-mirrored-backprop",
    "cifar10-conv-dtp",
    "cifar10-conv-backprop",
    "cifar10-conv-backprop-ann",
    "cifar10-conv-large-dtp",
    "cifar10-conv-wide-dtp",
    "cifar10-local-dtp",
    "mnist-conv-dtp",
    "fashion-mnist-conv-dtp",
];

/// Why a preset cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum PresetError {
    /// There is none of that name.
    #[error("{0}")]
    Unknown(String),
    /// Its text has mistakes, which the tests rule out.
    #[error(transparent)]
    Spec(#[from] SpecErrors),
}

/// The names of all presets.
pub fn names() -> impl Iterator<Item = &'static str> {
    TEXTS.iter().map(|(name, _)| *name)
}

/// The preset of that name.
///
/// # Errors
///
/// One sentence with the nearest name if there is none of that name.
pub fn load(name: &str) -> Result<ExperimentSpec, PresetError> {
    let found = TEXTS.iter().find(|(known, _)| *known == name);
    let (_, text) =
        found.ok_or_else(|| PresetError::Unknown(unknown_name("preset", name, names())))?;
    Ok(ExperimentSpec::parse(text, Format::Toml)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anatomy_alone_is_trained_as_the_preset_is() {
        let text = "name = \"mine\"\nanatomy = { kind = \"mirrored\", inputs = 784, \
                    hidden = [500, 500], outputs = 10 }";
        let mine = ExperimentSpec::parse(text, Format::Toml).unwrap();
        let preset = load("mnist-mirrored-dtp").unwrap();
        let named = |spec: ExperimentSpec| ExperimentSpec {
            name: "mine".to_owned(),
            description: String::new(),
            ..spec
        };
        assert_eq!(mine, named(preset));
        let text = format!("{text}\noptimizer = {{ kind = \"sgd\" }}");
        let other = ExperimentSpec::parse(&text, Format::Toml).unwrap();
        assert_eq!(other.schedule, Default::default());
    }

    /// The published networks were typed in by somebody else, long before the anatomy.
    #[test]
    fn the_anatomy_of_the_paper_is_the_published_network() {
        for (name, learning) in [
            ("mnist-dtp", "dendritic_targets"),
            ("mnist-backprop-ei", "backprop"),
        ] {
            let text = format!(
                "name = \"{name}\"\nanatomy = {{ kind = \"published\", inputs = 784, \
                 hidden = [500, 500], outputs = 10, learning = \"{learning}\" }}"
            );
            let written = ExperimentSpec::parse(&text, Format::Toml).unwrap();
            let preset = load(name).unwrap();
            assert_eq!(written.network, preset.network, "{name}");
            assert_eq!(written.learning, preset.learning, "{name}");
        }
        let deep = "name = \"deep\"\nanatomy = { kind = \"published\", inputs = 20, \
                    hidden = [15, 12, 9], outputs = 4, interneurons = 3 }";
        let deep = ExperimentSpec::parse(deep, Format::Toml).unwrap();
        let (plan, learning) = deep.check().unwrap();
        // Three hidden layers of nine projections, and the five of the output.
        assert_eq!(plan.projections.len(), 3 * 9 + 5);
        assert_eq!(learning.learned().count(), 3 * 4 + 1);
    }

    #[test]
    fn every_preset_is_lawful_named_as_its_file_and_cites_its_source() {
        for name in names() {
            let spec = load(name).unwrap();
            spec.check().unwrap();
            assert_eq!(spec.name, name);
            assert!(!spec.description.is_empty());
            // Those with a mirror or with maps are not of the reference.
            let is_own = ["mirrored", "deep", "-conv-", "-local-"]
                .iter()
                .any(|it| name.contains(it));
            assert_eq!(spec.source.is_empty(), is_own, "{name}");
        }
        assert!(
            load("mnist-dpt")
                .unwrap_err()
                .to_string()
                .contains("did you mean `mnist-dtp`?")
        );
    }

    #[test]
    fn the_paper_network_has_the_published_size() {
        // 784, 500/50/50, 500/50/50, 10/10 with 21 projections that own weights, counted by hand:
        // H1: 784*500 + 500*50*2 + 784*50 + 500*50 + 50*50 + 500*50 + 50*50 = 536,200
        // H2: 500*500 + 500*50*2 + 500*50*2 + 50*50 + 500*50 + 50*50 = 380,000
        // Output: 500*10 + 10*10 + 500*10 + 10*10 + 10*10 = 10,300
        let (plan, learning) = load("mnist-dtp").unwrap().check().unwrap();
        assert_eq!(plan.parameters(), 926_500);
        assert_eq!(learning.learned().count(), 9);
    }

    #[test]
    fn the_convolutional_networks_have_as_many_weights_as_counted_by_hand() {
        // Kernels 6·5·5·32 + 32·3·3·64 + 64·3·3·128, 128·4·4·10 onto the output, a bias for each map and class.
        let learned = 4_800 + 18_432 + 73_728 + 20_480 + 32 + 64 + 128 + 10;
        let ordinary = load("cifar10-conv-backprop-ann").unwrap().check().unwrap();
        assert_eq!(ordinary.0.parameters(), learned);
        // And what somatic interneurons hear: 6·5·5, 32·3·3, 64·3·3, and 2,048 for each of ten.
        let heard = 150 + 288 + 576 + 20_480;
        for name in ["cifar10-conv-dtp", "cifar10-conv-backprop"] {
            let (plan, _) = load(name).unwrap().check().unwrap();
            assert_eq!(plan.parameters(), learned + heard);
        }
    }

    #[test]
    fn the_local_network_has_as_many_weights_as_counted_by_hand() {
        // Of 5 lines of a window on 32, 6 lines are beyond the border, of 3 on 16 or 8, 2 are.
        let [first, second, third] = [5 * 32 - 6, 3 * 16 - 2, 3 * 8 - 2];
        let inside = [6 * first * first, 32 * second * second, 64 * third * third];
        let excitation = 32 * inside[0] + 64 * inside[1] + 128 * inside[2] + 20_480;
        let biases = 32 * 32 * 32 + 64 * 16 * 16 + 128 * 8 * 8 + 10;
        let heard = inside.iter().sum::<usize>() + 20_480;
        let (plan, _) = load("cifar10-local-dtp").unwrap().check().unwrap();
        assert_eq!(plan.parameters(), excitation + biases + heard);
        assert_eq!(plan.parameters(), 13_191_266);
    }

    #[test]
    fn a_preset_survives_toml_and_json() {
        for name in names() {
            let spec = load(name).unwrap();
            let toml = toml::to_string(&spec).unwrap();
            assert_eq!(ExperimentSpec::parse(&toml, Format::Toml).unwrap(), spec);
            let json = serde_json::to_string(&spec).unwrap();
            assert_eq!(ExperimentSpec::parse(&json, Format::Json).unwrap(), spec);
        }
    }
}
