//! A network as burn prints modules.

use burn::module::{Content, DisplaySettings, ModuleDisplay};

use super::Network;
use crate::plan::WeightSource;

impl ModuleDisplay for Network {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        DisplaySettings::new()
            .with_new_line_after_attribute(true)
            .optional()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        let plan = &self.plan;
        let content = content.add("steps", &plan.steps);
        let content = plan
            .populations
            .iter()
            .fold(content, |content, (_, population)| {
                content.add(&population.name.to_string(), &population.size)
            });
        plan.projections
            .iter()
            .fold(content, |content, projection| {
                let site = &projection.site;
                let weights = match &projection.source {
                    WeightSource::Own(init) => {
                        format!("{} x {} {}", site.post, site.pre, init.kind())
                    }
                    WeightSource::Balance { of, .. } => {
                        format!("balance of {}", plan.projection(*of).name)
                    }
                    WeightSource::Tied { of, .. } => {
                        format!("tied to {}", plan.projection(*of).name)
                    }
                };
                content.add(&projection.name.to_string(), &weights)
            })
            .optional()
    }
}
