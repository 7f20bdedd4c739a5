//! What a file or folder is for, by its name.

/// What samples are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Role {
    Train,
    Validation,
    Test,
    /// Nothing is said: they are divided.
    Whole,
}

const WORDS: [(&str, Role); 11] = [
    ("train", Role::Train),
    ("training", Role::Train),
    ("test", Role::Test),
    ("testing", Role::Test),
    ("t10k", Role::Test),
    ("eval", Role::Test),
    ("val", Role::Validation),
    ("valid", Role::Validation),
    ("validate", Role::Validation),
    ("validation", Role::Validation),
    ("dev", Role::Validation),
];

impl Role {
    /// The role of a folder whose whole name says one.
    pub(super) fn of_folder(name: &str) -> Option<Self> {
        let name = name.to_lowercase();
        let word = WORDS.iter().find(|(word, _)| *word == name);
        word.map(|(_, role)| *role)
    }

    /// The role of a file in whose name a word says one, and what stands before that word: files of
    /// one data set begin alike.
    pub(super) fn of_file(name: &str) -> Option<(Self, String)> {
        let lower = name.to_lowercase();
        words(&lower).find_map(|word| {
            let role = Self::of_folder(word)?;
            // Both are parts of the same text.
            let before = word.as_ptr() as usize - lower.as_ptr() as usize;
            Some((role, lower[..before].to_owned()))
        })
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Train => "training",
            Self::Validation => "validation",
            Self::Test => "test",
            Self::Whole => "undivided",
        }
    }
}

/// The words of a name: letters and digits that stand together.
pub(super) fn words(name: &str) -> impl Iterator<Item = &str> {
    let is_between = |letter: char| !letter.is_alphanumeric();
    name.split(is_between).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_names_say_what_files_are_for() {
        for (name, role, family) in [
            (
                "emnist-balanced-train-images-idx3-ubyte.gz",
                Role::Train,
                "emnist-balanced-",
            ),
            ("t10k-labels.idx1-ubyte", Role::Test, ""),
            ("qmnist-test-labels-idx2-int.gz", Role::Test, "qmnist-"),
            ("mnist_train.csv", Role::Train, "mnist_"),
            ("x_val.npy", Role::Validation, "x_"),
            ("Train.csv", Role::Train, ""),
        ] {
            assert_eq!(
                Role::of_file(name),
                Some((role, family.to_owned())),
                "{name}"
            );
        }
        for name in [
            "sample_submission.csv",
            "restrain.csv",
            "contest.npy",
            "images.idx",
        ] {
            assert_eq!(Role::of_file(name), None, "{name}");
        }
    }

    #[test]
    fn a_folder_is_for_something_if_its_whole_name_says_so() {
        assert_eq!(Role::of_folder("Training"), Some(Role::Train));
        assert_eq!(Role::of_folder("val"), Some(Role::Validation));
        assert_eq!(Role::of_folder("test tube"), None);
        assert_eq!(Role::of_folder("whole"), None);
    }
}
