//! From the parts that files have to what is learned from, validated on and tested on.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::super::{DataError, SampleSet, Splits};
use super::role::Role;
use super::samples::{Samples, sorted};
use super::{DataSpec, Parts};

/// The splits, and the names of the classes in the order of their labels.
///
/// Where files do not say what is for what, a share of each class is drawn with the seed of the
/// specification: one to validate on and one to test on. Files that are validated on, where there are
/// none to test on, are tested on.
///
/// # Errors
///
/// If parts do not fit together, or are too small to be divided.
pub(super) fn divide(
    path: &Path,
    mut parts: Parts,
    spec: &DataSpec,
) -> Result<(Splits, Vec<String>), DataError> {
    fit_together(path, &parts)?;
    let names = parts.values().flat_map(|part| part.labels.names.clone());
    let classes = match &spec.classes {
        Some(classes) => classes.clone(),
        None => sorted(names.collect()),
    };
    let shared: Arc<[String]> = classes.clone().into();
    let mut take = |role: Role| -> Result<Option<SampleSet>, DataError> {
        let part = parts.remove(&role);
        part.map(|part| set(path, part, &shared)).transpose()
    };
    let undivided = take(Role::Whole)?;
    let (train, validation, test) = (
        take(Role::Train)?,
        take(Role::Validation)?,
        take(Role::Test)?,
    );
    let Some(train) = train.or(undivided) else {
        return Err(DataError::unusable(
            path,
            "nothing in it is to train on; accepted: files or folders called `train`, or some that \
             are called neither `val` nor `test`",
        ));
    };
    if let [class] = classes.as_slice() {
        let message = format!(
            "all of its samples are of one class, `{class}`; accepted: two classes or more"
        );
        return Err(DataError::unusable(path, message));
    }
    let (validation, test) = match (validation, test) {
        (Some(validation), None) => (None, Some(validation)),
        given => given,
    };
    let shares = [
        validation.is_none().then_some(spec.validation),
        test.is_none().then_some(spec.test),
    ];
    let [train, held_out, tested] = held_out(path, train, shares, spec.seed)?;
    let splits = Splits {
        train: Arc::new(train),
        validation: Arc::new(validation.unwrap_or(held_out)),
        test: Arc::new(test.unwrap_or(tested)),
    };
    for (set, what) in [
        (&splits.train, "train"),
        (&splits.validation, "validate"),
        (&splits.test, "test"),
    ] {
        if set.is_empty() {
            return Err(DataError::unusable(
                path,
                format!("it has too few samples: none is left to {what} on"),
            ));
        }
    }
    Ok((splits, classes))
}

/// Whether all parts have samples of one size.
fn fit_together(path: &Path, parts: &Parts) -> Result<(), DataError> {
    let size = |part: &Samples| match part.shape {
        Some(shape) => format!("images of {shape}"),
        None => format!("vectors of {}", part.features),
    };
    let mut sizes: BTreeMap<String, Role> = BTreeMap::new();
    for (role, part) in parts {
        sizes.entry(size(part)).or_insert(*role);
    }
    let words: Vec<String> = (sizes.iter())
        .map(|(size, role)| format!("its {} samples are {size}", role.as_str()))
        .collect();
    match words.len() {
        0 | 1 => Ok(()),
        _ => Err(DataError::unusable(
            path,
            format!("{}; accepted: samples of one size", words.join(", ")),
        )),
    }
}

/// The set of a part, with the labels that its classes have in the list of all.
fn set(path: &Path, part: Samples, classes: &Arc<[String]>) -> Result<SampleSet, DataError> {
    let label = |name: &String| {
        let place = classes.iter().position(|class| class == name);
        place
            .and_then(|place| u16::try_from(place).ok())
            .ok_or_else(|| {
                let list = match classes.len() {
                    0..=20 => classes.join(", "),
                    many => format!("{}, … ({many} of them)", classes[..20].join(", ")),
                };
                DataError::unusable(
                    path,
                    format!("it has the class `{name}`, which is none of {list}"),
                )
            })
    };
    let labels: Vec<u16> = part
        .labels
        .names
        .iter()
        .map(label)
        .collect::<Result<_, _>>()?;
    let labels = part.labels.of.iter().map(|place| labels[*place]).collect();
    let set = SampleSet::new(
        part.values,
        labels,
        part.shape,
        part.features,
        classes.len(),
    )?;
    Ok(set.with_class_names(classes.clone()))
}

/// Holds shares of each class out: what is left, and as much as was asked for.
///
/// Samples are drawn in an order that the seed decides. A class of three or more gives one at least to
/// each share and keeps one.
fn held_out(
    path: &Path,
    all: SampleSet,
    shares: [Option<f64>; 2],
    seed: u64,
) -> Result<[SampleSet; 3], DataError> {
    if shares == [None, None] {
        let nothing = all.select(&[]);
        return Ok([all, nothing.clone(), nothing]);
    }
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let needed = 1 + shares.iter().flatten().count();
    let mut quotas: Vec<[usize; 2]> = all
        .class_counts()
        .iter()
        .map(|count| quota(*count, shares, needed))
        .collect();
    let mut chosen: [Vec<usize>; 3] = Default::default();
    for index in order {
        let quota = &mut quotas[usize::from(all.label(index))];
        let place = match quota.iter().position(|left| *left > 0) {
            Some(share) => {
                quota[share] -= 1;
                share + 1
            }
            None => 0,
        };
        chosen[place].push(index);
    }
    let too_few = |share: usize| shares[share].is_some() && chosen[share + 1].is_empty();
    if too_few(0) || too_few(1) {
        return Err(DataError::unusable(
            path,
            format!(
                "none of its classes has the {needed} samples that it takes to divide it; accepted: \
                 more samples, or folders `train`, `val` and `test`"
            ),
        ));
    }
    Ok(chosen.map(|indices| all.select(&indices)))
}

/// How many of so many samples of a class are held out for each share.
fn quota(count: usize, shares: [Option<f64>; 2], needed: usize) -> [usize; 2] {
    if count < needed {
        return [0, 0];
    }
    let part = |share: Option<f64>| {
        share.map_or(0, |share| ((count as f64 * share).round() as usize).max(1))
    };
    let mut parts = shares.map(part);
    // Small classes keep a sample to learn from.
    while parts.iter().sum::<usize>() >= count {
        let largest = if parts[0] >= parts[1] { 0 } else { 1 };
        parts[largest] -= 1;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::super::super::values::Values;
    use super::*;

    fn part(classes: &[(&str, usize)]) -> Samples {
        let names: Vec<&str> = (classes.iter())
            .flat_map(|(name, count)| vec![*name; *count])
            .collect();
        Samples {
            values: Values::Reals((0..names.len()).map(|it| it as f32).collect()),
            shape: None,
            features: 1,
            labels: names.into_iter().collect(),
        }
    }

    fn divided(parts: Vec<(Role, Samples)>, text: &str) -> Result<(Splits, Vec<String>), String> {
        let spec: DataSpec = toml::from_str(text).unwrap();
        divide(Path::new("photos"), parts.into_iter().collect(), &spec)
            .map_err(|error| error.to_string())
    }

    fn numbers(set: &SampleSet) -> Vec<f32> {
        let mut numbers: Vec<f32> = (0..set.len()).flat_map(|it| set.sample(it)).collect();
        numbers.sort_by(f32::total_cmp);
        numbers
    }

    #[test]
    fn what_is_not_divided_is_divided_class_by_class() {
        let whole = || vec![(Role::Whole, part(&[("b", 100), ("a", 20), ("c", 3)]))];
        let (splits, classes) = divided(whole(), "").unwrap();
        assert_eq!(classes, ["a", "b", "c"]);
        // 15 % of 20, 100 and 3, one at least.
        assert_eq!(splits.validation.class_counts(), [3, 15, 1]);
        assert_eq!(splits.test.class_counts(), [3, 15, 1]);
        assert_eq!(splits.train.class_counts(), [14, 70, 1]);
        let sets = [&splits.train, &splits.validation, &splits.test];
        let mut all: Vec<f32> = sets.into_iter().flat_map(|set| numbers(set)).collect();
        all.sort_by(f32::total_cmp);
        let expected: Vec<f32> = (0..123).map(|it| it as f32).collect();
        assert_eq!(all, expected, "every sample is in one split");

        let again = divided(whole(), "").unwrap().0;
        assert!(again.train == splits.train && again.test == splits.test);
        let other = divided(whole(), "seed = 1").unwrap().0;
        assert_ne!(numbers(&other.test), numbers(&splits.test));
        let larger = divided(whole(), "test = 0.5\nvalidation = 0.25").unwrap().0;
        assert_eq!(larger.test.class_counts(), [10, 50, 1]);
        assert_eq!(larger.validation.class_counts(), [5, 25, 1]);
    }

    #[test]
    fn parts_that_files_have_stay_as_they_are() {
        let parts = |roles: &[Role]| {
            let part = |role: &Role| (*role, part(&[("a", 20), ("b", 20)]));
            let (splits, _) = divided(roles.iter().map(part).collect(), "").unwrap();
            [
                splits.train.len(),
                splits.validation.len(),
                splits.test.len(),
            ]
        };
        use Role::{Test, Train, Validation, Whole};
        assert_eq!(parts(&[Train, Validation, Test]), [40, 40, 40]);
        assert_eq!(parts(&[Train, Test]), [34, 6, 40]);
        assert_eq!(parts(&[Whole, Test]), [34, 6, 40]);
        // What is called validation stands for the test that is missing.
        assert_eq!(parts(&[Train, Validation]), [34, 6, 40]);
        assert_eq!(parts(&[Train]), [28, 6, 6]);
    }

    #[test]
    fn classes_of_all_parts_have_one_list() {
        let parts = || {
            vec![
                (Role::Train, part(&[("2", 9), ("1", 9)])),
                (Role::Test, part(&[("10", 1), ("1", 1)])),
            ]
        };
        let (splits, classes) = divided(parts(), "").unwrap();
        assert_eq!(classes, ["1", "2", "10"]);
        assert_eq!(splits.test.labels(), [2, 0]);
        assert_eq!(splits.test.class_name(2), "10");
        let (splits, _) = divided(parts(), "classes = [\"10\", \"1\", \"2\"]").unwrap();
        assert_eq!(splits.test.labels(), [0, 1]);
        let message = divided(parts(), "classes = [\"1\", \"2\"]").unwrap_err();
        assert!(message.contains("class `10`"), "{message}");
    }

    #[test]
    fn parts_that_do_not_fit_together_are_refused() {
        let message = divided(vec![(Role::Test, part(&[("a", 9)]))], "").unwrap_err();
        assert!(message.contains("to train on"), "{message}");
        let wider = Samples {
            features: 3,
            ..part(&[("a", 3)])
        };
        let parts = vec![(Role::Train, part(&[("a", 9)])), (Role::Test, wider)];
        let message = divided(parts, "").unwrap_err();
        assert!(
            message.contains("training samples are vectors of 1"),
            "{message}"
        );
        let message = divided(vec![(Role::Whole, part(&[("a", 2), ("b", 2)]))], "").unwrap_err();
        assert!(message.contains("3 samples"), "{message}");
    }
}
