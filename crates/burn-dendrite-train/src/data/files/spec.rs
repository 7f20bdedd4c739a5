//! The table `[data]` of a specification: how files are understood.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::super::Encoding;

/// How files of the user's own are understood, and how samples become what a network sees.
///
/// All of it may be left out: what a key does not say is taken from the files, or refused where they
/// leave it open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataSpec {
    /// A folder, a file, or the beginning of the names of files that belong together. In a file it is
    /// relative to the folder of that file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// What is read of a folder that holds files of several kinds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<FileFormat>,
    /// The names of the classes in the order of the outputs: all that the files have, sorted, unless
    /// given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<String>>,
    /// Share of each class that is held out to validate on, where the files do not say.
    pub validation: f64,
    /// Share of each class that is held out to test on, where the files do not say.
    pub test: f64,
    /// Seed of the order in which samples are held out.
    pub seed: u64,
    /// Height and width that every image is brought to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<[usize; 2]>,
    /// How an image of other proportions is brought to that size.
    #[serde(skip_serializing_if = "is_default")]
    pub fit: Fit,
    /// Whether images are made grey or coloured.
    #[serde(skip_serializing_if = "is_default")]
    pub colour: Colour,
    /// Red, green and blue behind what is transparent, and beside an image that is padded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background: Option<[u8; 3]>,
    /// Whether rows and columns of images change places, as those of EMNIST need it.
    #[serde(skip_serializing_if = "is_default")]
    pub transpose: bool,
    /// Height and width, or channels, height and width, of images that are rows of a table or array.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shape: Option<Vec<usize>>,
    /// The column of a table that holds the labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<Column>,
    /// Columns of a table that are left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<Column>,
    /// Whether the first line of a table holds the names of its columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    /// What numbers that are no pixels are divided by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub divide_by: Option<f32>,
    /// How values become rates.
    #[serde(skip_serializing_if = "is_default")]
    pub encoding: Encoding,
    /// Which samples are learned from.
    #[serde(skip_serializing_if = "is_default")]
    pub learn_from: LearnFrom,
}

impl Default for DataSpec {
    fn default() -> Self {
        Self {
            path: None,
            format: None,
            classes: None,
            validation: 0.15,
            test: 0.15,
            seed: 0,
            size: None,
            fit: Fit::default(),
            colour: Colour::default(),
            background: None,
            transpose: false,
            shape: None,
            label: None,
            ignore: Vec::new(),
            header: None,
            divide_by: None,
            encoding: Encoding::default(),
            learn_from: LearnFrom::default(),
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A kind of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    /// JPEG and PNG images, a folder for each class.
    Images,
    /// IDX, as MNIST and its relatives are published.
    Idx,
    /// Tables of text, `.csv` or `.tsv`, a line for each sample.
    Csv,
    /// Arrays of NumPy, `.npy` or `.npz`.
    Numpy,
}

/// How an image is brought to a size of other proportions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// The largest part around its centre that has the proportions of the size.
    #[default]
    Crop,
    /// All of it, with the background beside it.
    Pad,
    /// All of it, distorted.
    Stretch,
}

/// Which samples a network learns from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LearnFrom {
    /// Those to train on.
    #[default]
    Train,
    /// Those to validate on as well, for a last training when nothing is left to be chosen. Validations then
    /// say how well what was learned is known.
    TrainAndValidation,
}

/// The channels of images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Colour {
    /// Grey if all images are, else red, green and blue.
    #[default]
    AsIs,
    /// One channel: 0.2126 red + 0.7152 green + 0.0722 blue.
    Grey,
    /// Three channels.
    Rgb,
}

/// A column of a table: its name, or its number from 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "accepted: the name of a column, or its number from 0"
)]
pub enum Column {
    /// Its number, from 0.
    Number(usize),
    /// Its name.
    Name(String),
}

impl DataSpec {
    /// What is wrong with the values.
    ///
    /// # Errors
    ///
    /// One sentence with the key and the accepted values.
    pub fn check(&self) -> Result<(), String> {
        for (key, share) in [("validation", self.validation), ("test", self.test)] {
            if !(share > 0.0 && share < 1.0) {
                return Err(format!(
                    "`{key}` is {share}; accepted: a share between 0 and 1"
                ));
            }
        }
        if self.validation + self.test >= 1.0 {
            return Err(format!(
                "`validation` and `test` are {} and {}; accepted: less than 1 together",
                self.validation, self.test
            ));
        }
        const LARGEST: usize = 4096;
        if let Some([height, width]) = self.size
            && ![height, width].iter().all(|it| (1..=LARGEST).contains(it))
        {
            return Err(format!(
                "`size` is [{height}, {width}]; accepted: height and width from 1 to {LARGEST}"
            ));
        }
        if let Some(shape) = &self.shape
            && !(matches!(shape.len(), 2 | 3) && shape.iter().all(|it| (1..=LARGEST).contains(it)))
        {
            return Err(format!(
                "`shape` is {shape:?}; accepted: [height, width] or [channels, height, width]"
            ));
        }
        if let Some(divisor) = self.divide_by
            && !(divisor.is_finite() && divisor > 0.0)
        {
            return Err(format!(
                "`divide_by` is {divisor}; accepted: a number above 0"
            ));
        }
        if self
            .path
            .as_ref()
            .is_some_and(|path| path.as_os_str().is_empty())
        {
            return Err("`path` is empty; accepted: a file or folder".to_owned());
        }
        if let Some(classes) = &self.classes {
            if classes.is_empty() {
                return Err("`classes` is []; accepted: the names of the classes".to_owned());
            }
            let mut sorted: Vec<&String> = classes.iter().collect();
            sorted.sort();
            if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
                return Err(format!(
                    "`classes` names `{}` twice; accepted: each class once",
                    twice[0]
                ));
            }
        }
        Ok(())
    }

    /// The keys that say how files are read and found, of those that are set to something.
    pub(crate) fn keys_of_files(&self) -> Vec<&'static str> {
        let usual = Self::default();
        let keys = [
            ("path", self.path.is_some()),
            ("format", self.format.is_some()),
            ("validation", self.validation != usual.validation),
            ("test", self.test != usual.test),
            ("seed", self.seed != usual.seed),
            ("shape", self.shape.is_some()),
            ("label", self.label.is_some()),
            ("ignore", !self.ignore.is_empty()),
            ("header", self.header.is_some()),
            ("divide_by", self.divide_by.is_some()),
        ];
        let set = keys.into_iter().filter(|(_, is_set)| *is_set);
        set.map(|(key, _)| key).collect()
    }

    /// The keys that say how images are made alike, of those that are set to something.
    pub(super) fn keys_of_reshaping(&self) -> Vec<&'static str> {
        let keys = [
            ("fit", self.fit != Fit::default()),
            ("background", self.background.is_some()),
        ];
        let set = keys.into_iter().filter(|(_, is_set)| *is_set);
        set.map(|(key, _)| key).collect()
    }

    /// Whether another table reads the same samples; networks may see them in encodings of their own.
    pub fn reads_the_same(&self, other: &Self) -> bool {
        let plain = |spec: &Self| Self {
            encoding: Encoding::Plain,
            ..spec.clone()
        };
        plain(self) == plain(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_with_what_it_leaves_out_at_its_default() {
        let spec: DataSpec = toml::from_str("path = \"photos\"\nsize = [32, 48]").unwrap();
        assert_eq!(spec.size, Some([32, 48]));
        assert_eq!((spec.validation, spec.test, spec.seed), (0.15, 0.15, 0));
        let text = toml::to_string(&spec).unwrap();
        assert_eq!(toml::from_str::<DataSpec>(&text).unwrap(), spec);
        let columns: DataSpec = toml::from_str("label = 4\nignore = [\"id\", 2]").unwrap();
        assert_eq!(columns.label, Some(Column::Number(4)));
        assert_eq!(columns.ignore[0], Column::Name("id".to_owned()));
        assert!(toml::from_str::<DataSpec>("sise = [1, 1]").is_err());
    }

    #[test]
    fn impossible_values_are_refused_with_the_accepted_ones() {
        for (text, expected) in [
            ("validation = 0.0", "`validation` is 0;"),
            ("test = nan", "`test` is NaN"),
            ("validation = 0.5\ntest = 0.5", "less than 1 together"),
            ("size = [0, 3]", "`size` is [0, 3]"),
            ("shape = [7]", "[height, width]"),
            ("divide_by = -1.0", "above 0"),
            ("classes = [\"a\", \"b\", \"a\"]", "`a` twice"),
            ("classes = []", "`classes` is []"),
        ] {
            let spec: DataSpec = toml::from_str(text).unwrap();
            let message = spec.check().unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
        DataSpec::default().check().unwrap();
    }
}
