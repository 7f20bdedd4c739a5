//! Weights in files that other programs read.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::{NamedArray, StartError};
use crate::{choice::Choice, data::read_arrays, record, run};

/// A format of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightsFormat {
    /// `safetensors`, which PyTorch, JAX and others read, with the network as text.
    Safetensors,
    /// An archive of NumPy.
    Npz,
}

impl Choice for WeightsFormat {
    const ALL: &'static [Self] = &[Self::Safetensors, Self::Npz];

    /// Its name, which is the ending of its files.
    fn as_str(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::Npz => "npz",
        }
    }
}

impl WeightsFormat {
    /// The format of a file, by its ending.
    pub fn of(file: &Path) -> Option<Self> {
        let ending = file.extension()?.to_string_lossy().to_lowercase();
        let mut formats = Self::ALL.iter().copied();
        formats.find(|format| format.as_str() == ending)
    }
}

/// Writes arrays, in full or not at all; what is known about them goes along where the format allows.
///
/// # Errors
///
/// If the file cannot be written.
pub fn write(
    file: &Path,
    format: WeightsFormat,
    arrays: &[NamedArray],
    about: HashMap<String, String>,
) -> Result<(), run::RunError> {
    match format {
        WeightsFormat::Npz => {
            let parts = |array: &'_ NamedArray| (array.name.clone(), array.shape.clone());
            let arrays = arrays.iter().map(|it| (parts(it), it.values.as_slice()));
            record::write_arrays(file, arrays)
        }
        WeightsFormat::Safetensors => {
            let invalid = |error: safetensors::SafeTensorError| run::RunError::Invalid {
                file: file.to_owned(),
                message: error.to_string(),
            };
            let bytes: Vec<Vec<u8>> = (arrays.iter())
                .map(|array| {
                    array
                        .values
                        .iter()
                        .flat_map(|it| it.to_le_bytes())
                        .collect()
                })
                .collect();
            let views: Result<Vec<(&str, TensorView<'_>)>, _> = (arrays.iter().zip(&bytes))
                .map(|(array, bytes)| {
                    let view = TensorView::new(Dtype::F32, array.shape.clone(), bytes)?;
                    Ok((array.name.as_str(), view))
                })
                .collect();
            let views = views.map_err(invalid)?;
            let bytes = safetensors::serialize(views, Some(about)).map_err(invalid)?;
            run::write_atomically(file, &bytes)
        }
    }
}

/// Reads the arrays of a file; those of other types than floats are left out.
///
/// # Errors
///
/// If the file cannot be read, or is of another format.
pub fn read(file: &Path) -> Result<Vec<NamedArray>, StartError> {
    let wrong = |message: String| StartError::File {
        file: file.to_owned(),
        message,
    };
    match WeightsFormat::of(file) {
        Some(WeightsFormat::Npz) => {
            let arrays = read_arrays(file).map_err(|error| wrong(error.to_string()))?;
            let named = |((name, shape), values)| NamedArray {
                name,
                shape,
                values,
            };
            Ok(arrays.into_iter().map(named).collect())
        }
        Some(WeightsFormat::Safetensors) => {
            let bytes = fs::read(file).map_err(|error| wrong(error.to_string()))?;
            let tensors =
                SafeTensors::deserialize(&bytes).map_err(|error| wrong(error.to_string()))?;
            let mut arrays: Vec<NamedArray> = (tensors.iter())
                .filter_map(|(name, view)| {
                    let values = numbers(view.dtype(), view.data())?;
                    Some(NamedArray {
                        name: name.to_owned(),
                        shape: view.shape().to_vec(),
                        values,
                    })
                })
                .collect();
            arrays.sort_by(|one, other| one.name.cmp(&other.name));
            Ok(arrays)
        }
        None => Err(wrong(
            "accepted: a run folder, or a file that ends in `.safetensors` or `.npz`".to_owned(),
        )),
    }
}

fn numbers(kind: Dtype, bytes: &[u8]) -> Option<Vec<f32>> {
    match kind {
        Dtype::F32 => {
            let (chunks, _) = bytes.as_chunks::<4>();
            Some(chunks.iter().map(|it| f32::from_le_bytes(*it)).collect())
        }
        Dtype::F64 => {
            let (chunks, _) = bytes.as_chunks::<8>();
            Some(
                chunks
                    .iter()
                    .map(|it| f64::from_le_bytes(*it) as f32)
                    .collect(),
            )
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Vec<NamedArray> {
        vec![
            NamedArray {
                name: "H1.E<-Input.E.weight".to_owned(),
                shape: vec![2, 3],
                values: vec![0.5, -1.0, 2.0, 0.25, 3.0, f32::MIN_POSITIVE],
            },
            NamedArray {
                name: "H1.E.sign".to_owned(),
                shape: vec![2],
                values: vec![1.0, 1.0],
            },
        ]
    }

    #[test]
    fn both_formats_give_back_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        for format in [WeightsFormat::Safetensors, WeightsFormat::Npz] {
            let file = folder.path().join(format!("w.{}", format.as_str()));
            let about = HashMap::from([("name".to_owned(), "mine".to_owned())]);
            write(&file, format, &some(), about).unwrap();
            let mut read = read(&file).unwrap();
            read.sort_by_key(|array| std::cmp::Reverse(array.shape.len()));
            assert_eq!(read, some(), "{format:?}");
        }
    }

    #[test]
    fn a_file_of_safetensors_begins_as_its_format_says() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("w.safetensors");
        let about = HashMap::from([("name".to_owned(), "mine".to_owned())]);
        write(&file, WeightsFormat::Safetensors, &some(), about).unwrap();
        let bytes = fs::read(&file).unwrap();
        // Eight bytes of length, then JSON; values follow in the order of their offsets.
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
        assert_eq!(header["__metadata__"]["name"], "mine");
        let weight = &header["H1.E<-Input.E.weight"];
        assert_eq!(weight["dtype"], "F32");
        assert_eq!(weight["shape"], serde_json::json!([2, 3]));
        let start = 8 + length + weight["data_offsets"][0].as_u64().unwrap() as usize;
        assert_eq!(bytes[start..start + 8], [0, 0, 0, 63, 0, 0, 128, 191]);
    }

    #[test]
    fn other_files_are_refused() {
        for name in ["w.pt", "missing.npz", "missing.safetensors"] {
            let message = read(Path::new(name)).unwrap_err().to_string();
            assert!(message.contains(name), "{message}");
        }
        let folder = tempfile::tempdir().unwrap();
        for format in [WeightsFormat::Safetensors, WeightsFormat::Npz] {
            let file = folder.path().join(format!("w.{}", format.as_str()));
            write(&file, format, &some(), HashMap::new()).unwrap();
            let good = fs::read(&file).unwrap();
            for end in (0..good.len()).step_by(9) {
                fs::write(&file, &good[..end]).unwrap();
                read(&file).unwrap_err();
            }
        }
    }
}
