//! Arrays of NumPy: a header that says what they are, and the values.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::read::DeflateDecoder;
use rawzip::{CompressionMethod, RECOMMENDED_BUFFER_SIZE, ZipArchive};

use super::super::DataError;
use super::super::source::Source;

/// The longest array that is read, in bytes: 4 GiB.
const MAXIMUM_BYTES: u64 = 1 << 32;

/// How much memory is set aside at once.
const CHUNK_BYTES: u64 = 1 << 20;

/// An array in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Array {
    /// What it is called: the name of its file, or its name in an archive.
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) values: Numbers,
}

/// The values of an array.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Numbers {
    /// `uint8`.
    Bytes(Vec<u8>),
    /// `uint16`.
    Words(Vec<u16>),
    /// All other whole numbers, and `bool`.
    Whole(Vec<i64>),
    /// `float32` and `float64`.
    Reals(Vec<f32>),
}

impl Numbers {
    fn len(&self) -> usize {
        match self {
            Self::Bytes(values) => values.len(),
            Self::Words(values) => values.len(),
            Self::Whole(values) => values.len(),
            Self::Reals(values) => values.len(),
        }
    }

    /// The values at these places.
    fn select(&self, places: &[usize]) -> Self {
        match self {
            Self::Bytes(values) => Self::Bytes(places.iter().map(|it| values[*it]).collect()),
            Self::Words(values) => Self::Words(places.iter().map(|it| values[*it]).collect()),
            Self::Whole(values) => Self::Whole(places.iter().map(|it| values[*it]).collect()),
            Self::Reals(values) => Self::Reals(places.iter().map(|it| values[*it]).collect()),
        }
    }
}

/// Reads an array from a `.npy` file, plain or compressed with gzip.
///
/// # Errors
///
/// If the file cannot be read or holds no array of numbers.
pub(super) fn read(path: &Path, name: String) -> Result<Array, DataError> {
    let mut content = Source::open(path)?.into_reader();
    let wrong = |error: io::Error| DataError::unusable(path, error.to_string());
    whole(&mut content, name).map_err(wrong)
}

/// Reads every array of an archive, compressed or not. The name of each is that in the archive.
///
/// # Errors
///
/// If the file cannot be read, or holds something else than arrays of numbers.
pub(super) fn read_archive(path: &Path) -> Result<Vec<Array>, DataError> {
    let wrong = |message: String| DataError::unusable(path, message);
    let zipped = |error: rawzip::Error| wrong(error.to_string());
    let file = File::open(path).map_err(DataError::io("open", path))?;
    let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
    let zip = ZipArchive::from_file(file, &mut buffer).map_err(zipped)?;
    let mut found = Vec::new();
    let mut entries = zip.entries(&mut buffer);
    while let Some(entry) = entries.next_entry().map_err(zipped)? {
        let name = String::from_utf8_lossy(entry.file_path().as_bytes()).into_owned();
        if let Some(name) = name.strip_suffix(".npy") {
            let place = (entry.wayfinder(), entry.compression_method());
            found.push((name.to_owned(), place));
        }
    }
    let mut arrays = Vec::new();
    for (name, (place, method)) in found {
        let entry = zip.get_entry(place).map_err(zipped)?;
        let raw = entry.reader();
        let read = match method {
            CompressionMethod::STORE => whole(
                &mut BufReader::new(entry.verifying_reader(raw)),
                name.clone(),
            ),
            CompressionMethod::DEFLATE => {
                let plain = DeflateDecoder::new(raw);
                whole(
                    &mut BufReader::new(entry.verifying_reader(plain)),
                    name.clone(),
                )
            }
            _ => return Err(wrong(format!("`{name}` is compressed in an unknown way"))),
        };
        arrays.push(read.map_err(|error| wrong(format!("array `{name}`: {error}")))?);
    }
    if arrays.is_empty() {
        Err(wrong("it holds no arrays".to_owned()))
    } else {
        Ok(arrays)
    }
}

fn invalid(message: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message.into())
}

/// What stands before the values.
struct Header {
    kind: String,
    is_fortran: bool,
    shape: Vec<usize>,
}

/// An array behind which there is nothing; at its end, checksums are verified.
fn whole(reader: &mut impl Read, name: String) -> io::Result<Array> {
    let array = array(reader, name)?;
    match reader.read(&mut [0])? {
        0 => Ok(array),
        _ => Err(invalid("it goes on after its last value")),
    }
}

fn array(reader: &mut impl Read, name: String) -> io::Result<Array> {
    let Header {
        kind,
        is_fortran,
        shape,
    } = header(reader)?;
    let (order, kind) = kind.split_at_checked(1).unwrap_or_default();
    let width = match kind {
        "b1" | "u1" | "i1" => 1,
        "u2" | "i2" => 2,
        "u4" | "i4" | "f4" => 4,
        "u8" | "i8" | "f8" => 8,
        _ => {
            return Err(invalid(format!(
                "its values are of type `{order}{kind}`; accepted: whole numbers and floats of 32 or \
                 64 bits"
            )));
        }
    };
    let count = shape
        .iter()
        .try_fold(1_u64, |all, size| all.checked_mul(*size as u64));
    let bytes = count.and_then(|count| count.checked_mul(width));
    let bytes = bytes
        .filter(|bytes| *bytes <= MAXIMUM_BYTES)
        .ok_or_else(|| {
            invalid(format!(
                "its shape {shape:?} takes more than the {MAXIMUM_BYTES} bytes that are accepted"
            ))
        })?;
    let mut raw = Vec::new();
    let mut missing = bytes;
    while missing > 0 {
        // Memory is asked for as bytes arrive: a header may claim anything.
        let part = missing.min(CHUNK_BYTES);
        let read = reader.by_ref().take(part).read_to_end(&mut raw)?;
        if read == 0 {
            return Err(invalid(format!(
                "it ends {missing} bytes before the {bytes} that its shape {shape:?} takes"
            )));
        }
        missing -= read as u64;
    }
    let values = numbers(kind, order == ">", &raw);
    let values = if is_fortran && shape.len() > 1 {
        values.select(&places(&shape))
    } else {
        values
    };
    debug_assert_eq!(values.len() as u64, bytes / width);
    Ok(Array {
        name,
        shape,
        values,
    })
}

fn header(reader: &mut impl Read) -> io::Result<Header> {
    let mut start = [0; 8];
    reader.read_exact(&mut start)?;
    let [magic @ .., major, _] = start;
    if magic != *b"\x93NUMPY" || !(1..=3).contains(&major) {
        return Err(invalid("it is no array of NumPy"));
    }
    let length = match major {
        1 => {
            let mut length = [0; 2];
            reader.read_exact(&mut length)?;
            u64::from(u16::from_le_bytes(length))
        }
        _ => {
            let mut length = [0; 4];
            reader.read_exact(&mut length)?;
            u64::from(u32::from_le_bytes(length))
        }
    };
    const LONGEST: u64 = 1 << 16;
    if length > LONGEST {
        return Err(invalid("its header is longer than any"));
    }
    let mut text = String::new();
    reader.take(length).read_to_string(&mut text)?;
    let value = |key: &str| {
        let (_, rest) = text.split_once(&format!("'{key}':"))?;
        Some(rest.trim_start())
    };
    let wrong = || invalid(format!("its header is `{}`", text.trim()));
    let kind = value("descr").ok_or_else(wrong)?;
    let kind = kind
        .strip_prefix('\'')
        .and_then(|rest| rest.split_once('\''));
    let (kind, _) = kind.ok_or_else(|| {
        invalid("it holds records of several values; accepted: arrays of numbers")
    })?;
    let shape = value("shape")
        .and_then(|rest| rest.strip_prefix('('))
        .ok_or_else(wrong)?;
    let (shape, _) = shape.split_once(')').ok_or_else(wrong)?;
    let sizes = shape
        .split(',')
        .map(str::trim)
        .filter(|size| !size.is_empty());
    let shape: Result<Vec<usize>, _> = sizes.map(str::parse).collect();
    Ok(Header {
        kind: kind.to_owned(),
        is_fortran: value("fortran_order")
            .ok_or_else(wrong)?
            .starts_with("True"),
        shape: shape.map_err(|_| wrong())?,
    })
}

fn numbers(kind: &str, is_big: bool, raw: &[u8]) -> Numbers {
    macro_rules! read {
        ($type:ty, $variant:ident, $target:ty) => {{
            let (chunks, _) = raw.as_chunks::<{ size_of::<$type>() }>();
            let value = |chunk: &[u8; size_of::<$type>()]| match is_big {
                true => <$type>::from_be_bytes(*chunk) as $target,
                false => <$type>::from_le_bytes(*chunk) as $target,
            };
            Numbers::$variant(chunks.iter().map(value).collect())
        }};
    }
    match kind {
        "b1" => Numbers::Whole(raw.iter().map(|it| i64::from(*it != 0)).collect()),
        "i1" => read!(i8, Whole, i64),
        "u2" => read!(u16, Words, u16),
        "i2" => read!(i16, Whole, i64),
        "u4" => read!(u32, Whole, i64),
        "i4" => read!(i32, Whole, i64),
        "u8" => read!(u64, Whole, i64),
        "i8" => read!(i64, Whole, i64),
        "f4" => read!(f32, Reals, f32),
        "f8" => read!(f64, Reals, f32),
        _ => Numbers::Bytes(raw.to_vec()),
    }
}

/// Where the values of a row-major array are in a column-major one of that shape.
fn places(shape: &[usize]) -> Vec<usize> {
    let mut strides = Vec::with_capacity(shape.len());
    let mut stride = 1;
    for size in shape {
        strides.push(stride);
        stride *= size;
    }
    let mut places = vec![0];
    for (size, stride) in shape.iter().zip(strides) {
        let along = |place: usize| (0..*size).map(move |step| place + step * stride);
        places = places.into_iter().flat_map(along).collect();
    }
    places
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    /// An array as NumPy writes it.
    pub(in crate::data::files) fn encode(
        kind: &str,
        order: &str,
        shape: &str,
        raw: &[u8],
    ) -> Vec<u8> {
        let text = format!("{{'descr': '{kind}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
        let length = u16::try_from(text.len()).unwrap().to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], text.as_bytes(), raw].concat()
    }

    fn decode(bytes: &[u8]) -> Result<Array, String> {
        let mut reader = bytes;
        array(&mut reader, "x".to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn every_type_is_read_in_either_order_of_bytes() {
        for (kind, raw, expected) in [
            ("|u1", &[200, 7][..], Numbers::Bytes(vec![200, 7])),
            ("|i1", &[200, 7], Numbers::Whole(vec![-56, 7])),
            ("|b1", &[0, 1], Numbers::Whole(vec![0, 1])),
            ("<u2", &[1, 2, 0, 1], Numbers::Words(vec![513, 256])),
            (">u2", &[1, 2, 0, 1], Numbers::Words(vec![258, 1])),
            ("<i2", &[255, 255, 1, 0], Numbers::Whole(vec![-1, 1])),
            (
                ">i4",
                &[0, 0, 1, 0, 255, 255, 255, 255],
                Numbers::Whole(vec![256, -1]),
            ),
            (
                "<f4",
                &[0, 0, 192, 63, 0, 0, 128, 191],
                Numbers::Reals(vec![1.5, -1.0]),
            ),
            (
                "<f8",
                &[0, 0, 0, 0, 0, 0, 248, 63, 0, 0, 0, 0, 0, 0, 240, 191],
                Numbers::Reals(vec![1.5, -1.0]),
            ),
            (
                "<i8",
                &[
                    3, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255,
                ],
                Numbers::Whole(vec![3, -1]),
            ),
        ] {
            let array = decode(&encode(kind, "False", "(2,)", raw)).unwrap();
            assert_eq!((array.shape, array.values), (vec![2], expected), "{kind}");
        }
    }

    #[test]
    fn columns_first_become_rows_first() {
        // [[1, 2, 3], [4, 5, 6]], column after column.
        let bytes = encode("|u1", "True", "(2, 3)", &[1, 4, 2, 5, 3, 6]);
        assert_eq!(
            decode(&bytes).unwrap().values,
            Numbers::Bytes(vec![1, 2, 3, 4, 5, 6])
        );
    }

    #[test]
    fn what_is_no_array_of_numbers_is_refused_without_a_panic() {
        let good = encode("<f4", "False", "(2, 1)", &[0; 8]);
        decode(&good).unwrap();
        for end in 0..good.len() {
            decode(&good[..end]).unwrap_err();
        }
        for at in 0..good.len() {
            let mut bytes = good.clone();
            bytes[at] ^= 0x55;
            let _ = decode(&bytes);
        }
        for (kind, shape, expected) in [
            ("<U5", "(2,)", "type `<U5`"),
            ("|O", "(2,)", "type `|O`"),
            ("<f4", "(99999999999, 9999)", "more than"),
            ("<f4", "(1000000,)", "ends 4000000 bytes before"),
        ] {
            let message = decode(&encode(kind, "False", shape, &[])).unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn what_stands_behind_the_last_value_is_refused() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("x.npy");
        fs::write(
            &path,
            [encode("|u1", "False", "(2,)", &[1, 2]), vec![3]].concat(),
        )
        .unwrap();
        let message = read(&path, "x".to_owned()).unwrap_err().to_string();
        assert!(message.contains("after its last value"), "{message}");
    }
}
