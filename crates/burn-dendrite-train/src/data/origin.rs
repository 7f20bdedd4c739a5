//! Which data a run was made with.

use std::{fmt, path::PathBuf};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3Default;

use super::{DataError, SampleSet, Splits};

/// The data of a run or a study, as its files keep them: where they were, and what they were.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataOrigin {
    /// The absolute folder that was named for the files of the data set; none where the program
    /// looked by itself, or no files are needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// What was in it; none before a run begins, and in runs of a version that did not keep it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
}

/// What tells one set of data from another: the number of samples of each split, their shape, and a
/// hash of all values and labels.
///
/// It is that of the data as they were loaded. Preprocessing does not change it: what is done to the
/// images follows from the settings, which a run keeps as well. The hash is [XXH3], 64 bits: fast
/// enough to be taken whenever data are loaded, and meant against mix-ups, not against malice.
///
/// [XXH3]: https://xxhash.com
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fingerprint {
    /// That of the training samples.
    pub train: SplitFingerprint,
    /// That of the validation samples.
    pub validation: SplitFingerprint,
    /// That of the test samples.
    pub test: SplitFingerprint,
}

/// What tells one split from another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitFingerprint {
    /// The number of samples.
    pub samples: usize,
    /// Channels, height and width of an image, or the number of values of a vector.
    pub shape: Vec<usize>,
    /// The number of classes.
    pub classes: usize,
    /// The hash of all values and labels, 16 hexadecimal digits.
    pub hash: String,
}

impl Splits {
    /// What tells these data from others. Takes about as long as reading them from memory.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint {
            train: self.train.fingerprint(),
            validation: self.validation.fingerprint(),
            test: self.test.fingerprint(),
        }
    }
}

impl SampleSet {
    /// What tells this set from others, however it is normalised.
    pub fn fingerprint(&self) -> SplitFingerprint {
        let mut hasher = Xxh3Default::new();
        self.values().feed(|bytes| hasher.update(bytes));
        let low: Vec<u8> = self.labels().iter().map(|label| *label as u8).collect();
        hasher.update(&low);
        if self.classes() > 1 << 8 {
            let high: Vec<u8> = (self.labels().iter())
                .map(|label| (label >> 8) as u8)
                .collect();
            hasher.update(&high);
        }
        SplitFingerprint {
            samples: self.len(),
            shape: match self.shape() {
                Some(shape) => vec![shape.channels, shape.height, shape.width],
                None => vec![self.features()],
            },
            classes: self.classes(),
            hash: format!("{:016x}", hasher.digest()),
        }
    }
}

impl DataOrigin {
    /// Whether data are those that are kept here; those of a version that kept nothing are taken
    /// for the same.
    ///
    /// # Errors
    ///
    /// One sentence with the first split that differs, on both sides.
    pub fn check(&self, here: &Self) -> Result<(), DataError> {
        let (Some(one), Some(other)) = (&self.fingerprint, &here.fingerprint) else {
            return Ok(());
        };
        let splits = [
            ("training", &one.train, &other.train),
            ("validation", &one.validation, &other.validation),
            ("test", &one.test, &other.test),
        ];
        let differs = splits.into_iter().find(|(_, one, other)| one != other);
        let Some((split, one, other)) = differs else {
            return Ok(());
        };
        Err(DataError::OtherData {
            split,
            there: self.describe(one),
            here: here.describe(other),
        })
    }

    /// The origin of data that are loaded from this folder, if one was named.
    pub fn of(folder: Option<PathBuf>, data: &Splits) -> Self {
        Self {
            folder,
            fingerprint: Some(data.fingerprint()),
        }
    }

    /// A split, and where it comes from if that is known.
    fn describe(&self, split: &SplitFingerprint) -> String {
        match &self.folder {
            Some(folder) => format!("{split}, in `{}`", folder.display()),
            None => split.to_string(),
        }
    }
}

impl fmt::Display for SplitFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape: Vec<String> = self.shape.iter().map(usize::to_string).collect();
        write!(
            f,
            "{} samples of {} in {} classes (hash {})",
            self.samples,
            shape.join("x"),
            self.classes,
            self.hash
        )
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::data::{DatasetName, ImageShape, Normalisation, Preprocessing};

    const SHAPE: ImageShape = ImageShape {
        channels: 1,
        height: 1,
        width: 2,
    };

    fn images(pixels: [u8; 4], labels: [u16; 2]) -> SampleSet {
        SampleSet::images(pixels.to_vec(), labels.to_vec(), SHAPE, 3).unwrap()
    }

    /// XXH3 of these bytes as the reference implementation computes it (by its Python binding).
    #[test]
    fn the_hash_is_that_of_pixels_and_labels() {
        let fingerprint = images([1, 2, 3, 4], [0, 2]).fingerprint();
        assert_eq!((fingerprint.samples, fingerprint.classes), (2, 3));
        assert_eq!(fingerprint.shape, [1, 1, 2]);
        assert_eq!(fingerprint.hash, HASH_OF_BYTES);
        // Numbers are hashed as their four bytes, the least significant one first.
        let vectors = SampleSet::vectors(vec![1.0, -2.5], vec![1, 0], 1, 2).unwrap();
        assert_eq!(vectors.fingerprint().shape, [1]);
        assert_eq!(vectors.fingerprint().hash, HASH_OF_REALS);
    }

    /// Of 01 02 03 04 00 02.
    const HASH_OF_BYTES: &str = "4867a2e540419f7a";
    /// Of 00 00 80 3f 00 00 20 c0 01 00.
    const HASH_OF_REALS: &str = "dd638b974893ea98";

    #[test]
    fn every_pixel_and_label_and_the_shape_count_and_normalising_does_not() {
        let one = images([1, 2, 3, 4], [0, 2]);
        let same = one.fingerprint();
        for other in [
            images([1, 2, 3, 5], [0, 2]),
            images([1, 2, 3, 4], [0, 1]),
            SampleSet::images(vec![1, 2, 3, 4], vec![0, 2], SHAPE, 4).unwrap(),
        ] {
            assert_ne!(other.fingerprint(), same);
        }
        let splits = |set: &SampleSet| Splits {
            train: Arc::new(set.clone()),
            validation: Arc::new(set.clone()),
            test: Arc::new(set.clone()),
        };
        let preprocessing = Preprocessing {
            normalisation: Normalisation::PerChannel,
            ..Preprocessing::default()
        };
        let normalised = preprocessing.prepare(splits(&one)).unwrap();
        assert_ne!(normalised.train.sample(0), one.sample(0));
        assert_eq!(normalised.fingerprint(), splits(&one).fingerprint());
    }

    #[test]
    fn other_data_are_refused_with_both_sides() {
        let splits = DatasetName::Spirals.load(&Default::default()).unwrap();
        let swapped = Splits {
            test: splits.validation.clone(),
            ..splits.clone()
        };
        let origin = |folder: &str, data| DataOrigin::of(Some(folder.into()), data);
        let one = origin("/one", &splits);
        // The same data may be anywhere.
        one.check(&origin("/other", &splits)).unwrap();
        let message = one.check(&origin("/other", &swapped)).unwrap_err();
        let message = message.to_string();
        let [there, here] = [&splits.test, &swapped.test].map(|it| it.fingerprint().hash);
        for part in [
            "test".to_owned(),
            format!("1200 samples of 2 in 4 classes (hash {there}), in `/one`"),
            format!("1200 samples of 2 in 4 classes (hash {here}), in `/other`"),
        ] {
            assert!(message.contains(&part), "`{part}` is missing in: {message}");
        }
        // What an older version did not keep cannot be compared.
        DataOrigin::default().check(&one).unwrap();
    }
}
