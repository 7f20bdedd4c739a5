//! Images that were taken for another class.

use burn_dendrite_train::data::{ImageShape, SampleSet};
use image::{ImageError, Rgb, RgbImage};

use crate::plot::embedded;

/// An image that was taken for another class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    /// The image, as the address of itself.
    pub(super) source: String,
    /// Its class.
    pub(super) class: String,
    /// The class that it was taken for.
    pub(super) taken_for: String,
}

/// At most so many mistakes, the first of the set; none where samples are no images.
pub(super) fn mistakes(
    set: &SampleSet,
    taken_for: &[usize],
    most: usize,
) -> Result<Vec<Mistake>, ImageError> {
    let Some(shape) = set.shape() else {
        return Ok(Vec::new());
    };
    let labels = set.labels().iter().map(|label| usize::from(*label));
    let wrong = labels.zip(taken_for).enumerate();
    let wrong = wrong.filter(|(_, (class, taken_for))| class != *taken_for);
    wrong
        .take(most)
        .map(|(index, (class, taken_for))| {
            Ok(Mistake {
                source: embedded(&picture(&set.sample(index), shape))?,
                class: set.class_name(class),
                taken_for: set.class_name(*taken_for),
            })
        })
        .collect()
}

/// What a network sees, from black for its lowest value to white for its highest. Of contrast as two
/// rates, on and off, the difference is shown.
fn picture(values: &[f32], shape: ImageShape) -> RgbImage {
    let pixels = shape.height * shape.width;
    let is_contrast = matches!(shape.channels, 2 | 6);
    let channels = if is_contrast {
        shape.channels / 2
    } else {
        shape.channels
    };
    let value = |channel: usize, pixel: usize| {
        let at = |channel: usize| values[channel * pixels + pixel];
        if is_contrast {
            at(channel) - at(channels + channel)
        } else {
            at(channel)
        }
    };
    let color = |pixel: usize| match channels {
        3 => [0, 1, 2].map(|channel| value(channel, pixel)),
        _ => [value(0, pixel); 3],
    };
    let all = || (0..pixels).flat_map(color);
    let low = all().fold(f32::INFINITY, f32::min);
    let high = all().fold(f32::NEG_INFINITY, f32::max);
    let span = (high - low).max(f32::MIN_POSITIVE);
    let byte = |value: f32| (255.0 * (value - low) / span).round() as u8;
    RgbImage::from_fn(shape.width as u32, shape.height as u32, |x, y| {
        Rgb(color(y as usize * shape.width + x as usize).map(byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(channels: usize) -> ImageShape {
        ImageShape {
            channels,
            height: 1,
            width: 2,
        }
    }

    #[test]
    fn grey_colour_and_contrast_become_pixels() {
        let pixels = |values: &[f32], channels| -> Vec<[u8; 3]> {
            picture(values, shape(channels))
                .pixels()
                .map(|it| it.0)
                .collect()
        };
        assert_eq!(pixels(&[-1.0, 1.0], 1), [[0; 3], [255; 3]]);
        let colour = [1.0, 0.0, 0.0, 0.2, 0.0, 0.0];
        assert_eq!(pixels(&colour, 3), [[255, 0, 0], [0, 51, 0]]);
        // 0.5 − 0 and 0 − 0.5.
        assert_eq!(pixels(&[0.5, 0.0, 0.0, 0.5], 2), [[255; 3], [0; 3]]);
        assert_eq!(pixels(&[0.3, 0.3], 1), [[0; 3], [0; 3]]);
    }

    #[test]
    fn only_what_was_taken_for_another_class_is_a_mistake() {
        let set = SampleSet::images(vec![0, 255, 255, 0, 9, 9], vec![0, 1, 2], shape(1), 3);
        let set = set.unwrap();
        let found = mistakes(&set, &[0, 2, 1], 8).unwrap();
        let classes: Vec<_> = found
            .iter()
            .map(|it| (it.class.as_str(), it.taken_for.as_str()))
            .collect();
        assert_eq!(classes, [("1", "2"), ("2", "1")]);
        assert!(found[0].source.starts_with("data:image/png;base64,"));
        assert_eq!(mistakes(&set, &[0, 2, 1], 1).unwrap().len(), 1);
    }
}
