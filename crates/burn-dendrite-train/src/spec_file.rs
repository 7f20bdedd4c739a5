//! Specifications in files.

use std::path::Path;

use burn_dendrite_nn::{SpecError, SpecErrors, spec::Format};

use crate::{import, spec::ExperimentSpec};

impl ExperimentSpec {
    /// Reads a specification from a `.toml` or `.json` file, or imports a `.yaml` or `.yml` file of
    /// the reference.
    ///
    /// # Errors
    ///
    /// One sentence if the file cannot be read or has another ending, else those of
    /// [`parse`](Self::parse) or [`import::from_yaml`](crate::import::from_yaml).
    pub fn load(path: &Path) -> Result<Self, SpecErrors> {
        let wrong =
            |message: String| SpecErrors::from(SpecError::new(path.display().to_string(), message));
        let text = || std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()));
        let mut spec = match path.extension().and_then(|ending| ending.to_str()) {
            _ if path.is_dir() => Err(wrong(
                "it is a folder; accepted: a file, of a run its `spec.toml`".into(),
            )),
            Some("toml") => Self::from_value(Format::Toml.read(&text()?).map_err(wrong)?),
            Some("json") => Self::from_value(Format::Json.read(&text()?).map_err(wrong)?),
            Some("yaml" | "yml") => {
                let file_name = path.file_name().unwrap_or_default().to_string_lossy();
                import::from_yaml(&text()?, &file_name)
            }
            _ => Err(wrong(
                "accepted: a specification that ends in `.toml` or `.json`, or a `.yaml` file of \
                 the reference"
                    .into(),
            )),
        }?;
        let path_of_data = spec.data.path.as_mut();
        if let Some(data) = path_of_data.filter(|data| !data.as_os_str().is_empty()) {
            let folder = path.parent().unwrap_or(Path::new(""));
            let joined = std::path::absolute(folder.join(&*data));
            *data = joined.map_err(|error| wrong(error.to_string()))?;
        }
        Ok(spec)
    }
}
