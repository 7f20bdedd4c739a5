//! Tables of text: a line for each sample, with its label in one column.

use std::path::Path;

use csv::{ByteRecord, ReaderBuilder};

use super::super::DataError;
use super::super::source::Source;
use super::super::values::Values;
use super::role::Role;
use super::samples::{Labels, Pixels, Samples, bytes, finite, shape_of_rows};
use super::{Column, DataSpec};
use crate::words::counted;

/// Names of columns that hold labels, in lower case.
const LABELS: [&str; 5] = ["label", "labels", "class", "target", "species"];

/// The separators, of which the first line has most of the one that is used.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// Reads a table; nothing where its header names columns and none for labels.
///
/// # Errors
///
/// If the table cannot be read or understood; the line and column are named.
pub(super) fn read(path: &Path, role: Role, spec: &DataSpec) -> Result<Option<Samples>, DataError> {
    let lines = lines(path)?;
    let (header, rows) = match lines.as_slice() {
        [first, rest @ ..] if has_header(&lines, spec) => (Some(first), rest),
        rows => (None, rows),
    };
    let Some(first) = rows.first() else {
        return Err(DataError::unusable(path, "it has no lines of samples"));
    };
    let names: Option<Vec<String>> = header.map(|line| line.iter().map(text).collect());
    let columns = Columns {
        path,
        names: names.as_deref(),
        count: first.len(),
    };
    let Some(label) = columns.label(spec, role, first)? else {
        return Ok(None);
    };
    let mut left_out = vec![label];
    for column in &spec.ignore {
        match columns.find(column) {
            Some(found) if found == label => {
                let message = format!(
                    "`ignore` names {}, which holds the labels; accepted: others",
                    columns.name(label)
                );
                return Err(DataError::unusable(path, message));
            }
            Some(found) => left_out.push(found),
            // A table of samples to test on may lack what another has.
            None if role == Role::Test => {}
            None => return Err(columns.unknown(column, "ignore")),
        }
    }
    let kept: Vec<usize> = (0..first.len())
        .filter(|it| !left_out.contains(it))
        .collect();
    if kept.is_empty() {
        return Err(DataError::unusable(
            path,
            "it has no columns beside the labels",
        ));
    }
    let mut numbers = Vec::with_capacity(rows.len() * kept.len());
    for (row, line) in rows.iter().enumerate() {
        for column in &kept {
            let field = &line[*column];
            numbers.push(number(field).ok_or_else(|| {
                let at = line.position().map_or(0, csv::Position::line);
                let (name, field) = (columns.name(*column), text(field));
                let message = format!("line {at}, {name}: `{field}` in sample {row} is no number");
                DataError::unusable(path, message)
            })?);
        }
    }
    finite(path, &numbers, kept.len())?;
    if let Some(line) = rows.iter().find(|line| line[label].is_empty()) {
        let at = line.position().map_or(0, csv::Position::line);
        let message = format!("line {at}, {}: there is no label", columns.name(label));
        return Err(DataError::unusable(path, message));
    }
    let labels = rows.iter().map(|line| text(&line[label]));
    let labels: Labels = labels.map(|label| whole(&label)).collect();
    samples(path, numbers, &columns, &kept, labels, spec).map(Some)
}

/// The samples of the columns that are kept: images where they are pixels, else vectors.
fn samples(
    path: &Path,
    numbers: Vec<f32>,
    columns: &Columns<'_>,
    kept: &[usize],
    labels: Labels,
    spec: &DataSpec,
) -> Result<Samples, DataError> {
    let as_bytes = bytes(&numbers).filter(|bytes| bytes.iter().any(|it| *it > 1));
    let are_named = columns
        .names
        .is_some_and(|names| kept.iter().all(|column| is_pixel(&names[*column])));
    if are_named && as_bytes.is_none() && spec.divide_by.is_none() {
        // One value of another scale would change that of all others.
        let beyond = numbers.iter().position(|it| !(0.0..=1.0).contains(it));
        if let Some(at) = beyond.filter(|_| numbers.iter().any(|it| *it > 1.0)) {
            let strange = numbers.iter().position(|it| bytes(&[*it]).is_none());
            let at = strange.unwrap_or(at);
            let (sample, column) = (at / kept.len(), kept[at % kept.len()]);
            let message = format!(
                "{} of sample {sample} is {}; accepted: pixels that are whole numbers from 0 to 255, \
                 or numbers from 0 to 1, or `divide_by` in `[data]`",
                columns.name(column),
                numbers[at]
            );
            return Err(DataError::unusable(path, message));
        }
    }
    let pixels = match (are_named, columns.names, &as_bytes) {
        (true, _, _) => Pixels::Named,
        (false, None, Some(_)) => Pixels::Alike,
        (false, _, _) => Pixels::No,
    };
    let shape = shape_of_rows(path, kept.len(), pixels, spec)?;
    let values = match (shape, as_bytes) {
        (Some(_), Some(bytes)) => Values::Bytes(bytes),
        _ => Values::Reals(numbers),
    };
    Ok(Samples {
        values,
        shape,
        features: kept.len(),
        labels,
    })
}

/// The lines, all of them with as many fields.
fn lines(path: &Path) -> Result<Vec<ByteRecord>, DataError> {
    let mut source = Source::open(path)?;
    let start = source.read_up_to(1 << 16)?;
    let line = start
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let count = |separator: &&u8| line.iter().filter(|byte| byte == separator).count();
    // Of equally many, the first.
    let separator = SEPARATORS.iter().rev().max_by_key(count).unwrap_or(&b',');
    let start = start
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(&start)
        .to_vec();
    let all = std::io::Read::chain(std::io::Cursor::new(start), source.into_reader());
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .delimiter(*separator)
        .trim(csv::Trim::All)
        .from_reader(all);
    let lines: Result<Vec<ByteRecord>, csv::Error> = reader.byte_records().collect();
    let lines = lines.map_err(|error| DataError::unusable(path, sentence(&error)))?;
    let is_foreign = |line: &&ByteRecord| line.iter().any(|it| std::str::from_utf8(it).is_err());
    match lines.iter().find(is_foreign) {
        None => Ok(lines),
        // Letters that cannot be told apart would make one class of several.
        Some(line) => {
            let at = line.position().map_or(0, csv::Position::line);
            let message =
                format!("line {at} is no text in UTF-8; accepted: a table saved in UTF-8");
            Err(DataError::unusable(path, message))
        }
    }
}

/// What is wrong with a table, in a sentence.
fn sentence(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths {
            pos,
            expected_len,
            len,
        } => format!(
            "line {} has {}, and those before it {expected_len}; accepted: as many in every line",
            pos.as_ref().map_or(0, csv::Position::line),
            counted(*len as usize, "field"),
        ),
        _ => error.to_string(),
    }
}

/// Whether the first line holds names: a field of it is no number where the second line has one, or
/// none of it is.
fn has_header(lines: &[ByteRecord], spec: &DataSpec) -> bool {
    let [first, rest @ ..] = lines else {
        return false;
    };
    spec.header.unwrap_or_else(|| match rest.first() {
        Some(second) => {
            let pairs = first.iter().zip(second.iter());
            let mut pairs = pairs.map(|(name, field)| (number(name), number(field)));
            let names =
                |(name, field): (Option<f32>, Option<f32>)| name.is_none() && field.is_some();
            pairs.any(names)
        }
        None => first.iter().all(|field| number(field).is_none()),
    })
}

/// The columns of a table.
struct Columns<'a> {
    path: &'a Path,
    names: Option<&'a [String]>,
    count: usize,
}

impl Columns<'_> {
    /// What a column is called.
    fn name(&self, column: usize) -> String {
        match self.names {
            Some(names) => format!("column `{}`", names[column]),
            None => format!("column {column}"),
        }
    }

    /// A key names a column that the table does not have.
    fn unknown(&self, column: &Column, key: &str) -> DataError {
        let column = match column {
            Column::Number(number) => number.to_string(),
            Column::Name(name) => name.clone(),
        };
        let accepted = match self.names {
            Some(names) => names.join(", "),
            None => format!("0 to {}", self.count - 1),
        };
        let message =
            format!("it has no column `{column}`, which `{key}` names; accepted: {accepted}");
        DataError::unusable(self.path, message)
    }

    fn find(&self, column: &Column) -> Option<usize> {
        match column {
            Column::Number(number) => (*number < self.count).then_some(*number),
            Column::Name(name) => self.names?.iter().position(|it| it == name),
        }
    }

    /// The column of labels: the one that is asked for, the one that is called so, the one that is no
    /// number, or the first where columns have no names; nothing where they have and none is it.
    fn label(
        &self,
        spec: &DataSpec,
        role: Role,
        first: &ByteRecord,
    ) -> Result<Option<usize>, DataError> {
        if let Some(column) = &spec.label {
            return match self.find(column) {
                Some(found) => Ok(Some(found)),
                // A table of samples to test on may be without labels.
                None if role == Role::Test && self.names.is_some() => Ok(None),
                None => Err(self.unknown(column, "label")),
            };
        }
        let place = |label: &&str| {
            let names = self.names?;
            names.iter().position(|name| name.to_lowercase() == *label)
        };
        let called = LABELS.iter().find_map(place);
        let mut texts = (0..first.len()).filter(|it| number(&first[*it]).is_none());
        let only_text = texts.next().filter(|_| texts.next().is_none());
        Ok(called.or(only_text).or(match self.names {
            Some(_) => None,
            None => Some(0),
        }))
    }
}

/// Whether a column is called as the pixels of an image are: `pixel0`, `12x7`.
fn is_pixel(name: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    let name = name.to_lowercase();
    let numbered = name
        .strip_prefix("pixel")
        .is_some_and(|rest| digits(rest.trim_start_matches('_')));
    numbered
        || name
            .split_once('x')
            .is_some_and(|(row, column)| digits(row) && digits(column))
}

fn text(field: &[u8]) -> String {
    String::from_utf8_lossy(field).into_owned()
}

fn number(field: &[u8]) -> Option<f32> {
    std::str::from_utf8(field).ok()?.parse().ok()
}

/// A label that is a whole number without its fraction: `3` for `3.0`.
fn whole(label: &str) -> String {
    match label.parse::<f64>() {
        Ok(number) if number.fract() == 0.0 && number.abs() < 1e15 => format!("{number:.0}"),
        _ => label.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::super::super::idx::tests::compress;
    use super::*;

    fn table(text: &str, spec: &str) -> Result<Option<Samples>, String> {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("train.csv");
        fs::write(&path, text).unwrap();
        let spec: DataSpec = toml::from_str(spec).unwrap();
        read(&path, Role::Whole, &spec).map_err(|error| error.to_string())
    }

    /// Labels and values of a table.
    fn read_table(text: &str, spec: &str) -> (Vec<String>, Vec<f32>) {
        let samples = table(text, spec).unwrap().unwrap();
        let names = samples
            .labels
            .of
            .iter()
            .map(|it| samples.labels.names[*it].clone());
        let values = match samples.values {
            Values::Bytes(bytes) => bytes.into_iter().map(f32::from).collect(),
            Values::Reals(numbers) => numbers,
        };
        (names.collect(), values)
    }

    #[test]
    fn a_column_to_ignore_that_is_not_there_is_a_mistake() {
        let message = table("Id,label,x\n1,a,2\n2,b,3\n", "ignore = [\"Idd\"]").unwrap_err();
        assert!(
            message.contains("`Idd`") && message.contains("accepted: Id, label, x"),
            "{message}"
        );
        let message = table("1,a,2\n2,b,3\n", "label = 1\nignore = [3]").unwrap_err();
        assert!(message.contains("accepted: 0 to 2"), "{message}");
    }

    #[test]
    fn the_column_of_labels_is_found_or_named() {
        let expected = (
            vec!["a".to_owned(), "b".to_owned()],
            vec![1.0, 2.5, 3.0, -4.0],
        );
        for (text, spec) in [
            ("x,label,z\n1,a,2.5\n3,b,-4\n", ""),
            ("x,z,Species\n1,2.5,a\n3,-4,b\n", ""),
            ("1,2.5,a\n3,-4,b\n", ""),
            ("a;1;2.5\nb;3;-4\n", ""),
            ("\u{feff}label\tx\tz\na\t1\t2.5\nb\t3\t-4", ""),
            (
                "id,kind,x,z\n7,a,1,2.5\n8,b,3,-4\n",
                "label = \"kind\"\nignore = [\"id\"]",
            ),
            (
                "7,a,1,2.5\n8,b,3,-4\n",
                "label = 1\nignore = [0]\nheader = false",
            ),
            ("kind,x,z\r\na, 1 ,2.5\r\nb,3,-4\r\n", ""),
        ] {
            assert_eq!(read_table(text, spec), expected, "{text}");
        }
        let (labels, values) = read_table("1,5,6\n2.0,7,8\n", "");
        assert_eq!(
            (labels, values),
            (
                vec!["1".to_owned(), "2".to_owned()],
                vec![5.0, 6.0, 7.0, 8.0]
            )
        );
        assert!(
            table("x,z\n1,2\n3,4\n", "").unwrap().is_none(),
            "no column is the label's"
        );
    }

    #[test]
    fn pixels_are_images_of_bytes() {
        let header: Vec<String> = (0..4).map(|it| format!("pixel{it}")).collect();
        let text = format!("label,{}\n3,0,255,7,8\n", header.join(","));
        let samples = table(&text, "").unwrap().unwrap();
        assert!(samples.values == Values::Bytes(vec![0, 255, 7, 8]));
        assert_eq!(samples.shape.unwrap().to_string(), "1x2x2");
        // Without names: 8 x 8 at least, and whole numbers only.
        let row = |last: &str| format!("3,{}{last}\n", "9,".repeat(63));
        let shape = |text: String| table(&text, "").unwrap().unwrap().shape;
        assert_eq!(shape(row("200")).unwrap().to_string(), "1x8x8");
        assert_eq!(shape(row("0.5")), None);
        assert_eq!(shape("3,9,9,9,200\n".to_owned()), None);
        let named = table("label,1x1,1x2\n0,3,4\n", "").unwrap_err();
        assert!(named.contains("2 columns of pixels"), "{named}");
    }

    #[test]
    fn compressed_tables_are_read_and_web_pages_refused() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("train.csv.gz");
        fs::write(&path, compress(b"a,1\nb,2\n")).unwrap();
        let samples = read(&path, Role::Whole, &DataSpec::default())
            .unwrap()
            .unwrap();
        assert!(samples.values == Values::Reals(vec![1.0, 2.0]));
        assert!(
            table("<!doctype html>\n", "")
                .unwrap_err()
                .contains("web page")
        );
    }

    #[test]
    fn what_is_no_number_is_named_with_line_and_column() {
        for (text, parts) in [
            (
                "label,x\n0,1\n1,x\n",
                &["line 3, column `x`: `x` in sample 1"][..],
            ),
            ("0,1\n1,\n", &["line 2, column 1: `` in sample 1"]),
            ("0,1\n1,nan\n", &["value 0 of sample 1 is NaN"]),
            ("0,1\n1,1e999\n", &["sample 1 is inf"]),
            (
                "0,1\n1,2,3\n",
                &["line 2 has 3 fields, and those before it 2"],
            ),
            ("label,x\n", &["no lines of samples"]),
            ("", &["no lines of samples"]),
            ("label\n0\n", &["beside the labels"]),
        ] {
            let message = table(text, "").err().unwrap_or_default();
            for part in parts {
                assert!(message.contains(part), "{text:?}: {message}");
            }
        }
        let message = table("0,1\n", "label = \"x\"").unwrap_err();
        assert!(message.contains("accepted: 0 to 1"), "{message}");
        let message = table("kind,x\na,1\nb,2\n", "label = \"knid\"").unwrap_err();
        let expected = "no column `knid`, which `label` names; accepted: kind, x";
        assert!(message.contains(expected), "{message}");
    }

    #[test]
    fn text_in_another_encoding_is_refused_instead_of_making_one_class_of_two() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("train.csv");
        // Latin-1: `\xe4` and `\xf6` would both be read as an unknown letter.
        fs::write(&path, b"label,x\nB\xe4r,1\nB\xf6r,2\n").unwrap();
        let message = read(&path, Role::Whole, &DataSpec::default());
        let message = message.unwrap_err().to_string();
        assert!(message.contains("line 2 is no text in UTF-8"), "{message}");
    }

    #[test]
    fn a_pixel_of_another_scale_is_named() {
        let text = |pixel: &str| {
            format!("label,pixel0,pixel1,pixel2,pixel3\n3,0,9,7,8\n1,0,9,{pixel},8\n")
        };
        for pixel in ["300", "-1", "7.5"] {
            let message = table(&text(pixel), "").unwrap_err();
            let expected = format!("column `pixel2` of sample 1 is {pixel};");
            assert!(message.contains(&expected), "{message}");
        }
        let divided = table(&text("300"), "divide_by = 300.0").unwrap().unwrap();
        assert!(divided.values == Values::Reals(vec![0.0, 9.0, 7.0, 8.0, 0.0, 9.0, 300.0, 8.0]));
        let rates = "label,pixel0,pixel1,pixel2,pixel3\n3,0,0.25,0.5,1\n";
        assert!(
            table(rates, "").unwrap().unwrap().values == Values::Reals(vec![0.0, 0.25, 0.5, 1.0])
        );
    }
}
