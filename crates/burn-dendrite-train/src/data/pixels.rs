//! From bytes to what a network sees.

use super::ImageShape;
use super::augment::View;

/// What a network sees of each value of a pixel.
pub(super) type Scale = [f32; 256];

/// Appends the values of an image as a network sees them: channel by channel by these scales, or a
/// 255th of each byte.
pub(super) fn show(pixels: &[u8], scales: Option<&[Scale]>, inputs: &mut Vec<f32>) {
    let Some(scales) = scales else {
        inputs.extend(pixels.iter().map(|&pixel| f32::from(pixel) / 255.0));
        return;
    };
    let channels = pixels.chunks(pixels.len() / scales.len());
    for (channel, scale) in channels.zip(scales) {
        inputs.extend(channel.iter().map(|&pixel| scale[usize::from(pixel)]));
    }
}

/// [`show`] of an image that is looked at in another way; what comes into view beside it is black.
pub(super) fn show_view(
    pixels: &[u8],
    shape: ImageShape,
    view: View,
    scales: Option<&[Scale]>,
    inputs: &mut Vec<f32>,
) {
    let ImageShape { height, width, .. } = shape;
    let moved = |place: usize, by: isize, size: usize| {
        let place = place.checked_add_signed(-by);
        place.filter(|place| *place < size)
    };
    let mut seen = Vec::with_capacity(pixels.len());
    for channel in pixels.chunks(height * width) {
        for row in 0..height {
            let row = moved(row, view.shift[0], height);
            for column in 0..width {
                let column = match view.is_flipped {
                    true => width - 1 - column,
                    false => column,
                };
                let place = row.zip(moved(column, view.shift[1], width));
                seen.push(place.map_or(0, |(row, column)| channel[row * width + column]));
            }
        }
    }
    show(&seen, scales, inputs);
}

/// Mean and standard deviation of a channel, of pixels from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ChannelStatistics {
    mean: f64,
    deviation: f64,
}

impl ChannelStatistics {
    /// Those of each channel over all images.
    pub(super) fn of(pixels: &[u8], shape: ImageShape) -> Vec<Self> {
        let size = shape.height * shape.width;
        // Sums of bytes are exact, whatever their order.
        let mut sums = vec![(0_u64, 0_u64); shape.channels];
        for (channel, pixels) in pixels.chunks(size).enumerate() {
            let (sum, squares) = &mut sums[channel % shape.channels];
            for pixel in pixels {
                *sum += u64::from(*pixel);
                *squares += u64::from(*pixel).pow(2);
            }
        }
        let count = (pixels.len() / shape.channels).max(1) as f64;
        let statistics = |(sum, squares): (u64, u64)| {
            let mean = sum as f64 / count;
            let variance = (squares as f64 / count - mean * mean).max(0.0);
            Self {
                mean: mean / 255.0,
                deviation: variance.sqrt() / 255.0,
            }
        };
        sums.into_iter().map(statistics).collect()
    }

    /// The scale with mean 0 and variance 1; a channel that does not vary is only moved.
    pub(super) fn scale(&self) -> Scale {
        let deviation = match self.deviation > 0.0 {
            true => self.deviation,
            false => 1.0,
        };
        std::array::from_fn(|pixel| ((pixel as f64 / 255.0 - self.mean) / deviation) as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape {
        channels: 2,
        height: 2,
        width: 3,
    };

    #[test]
    fn a_view_moves_and_flips_every_channel() {
        let pixels = [1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16];
        let seen = |shift, is_flipped| -> Vec<u8> {
            let mut inputs = Vec::new();
            let view = View { shift, is_flipped };
            show_view(&pixels, SHAPE, view, None, &mut inputs);
            let bytes = inputs.iter().map(|value| (value * 255.0).round() as u8);
            bytes.collect()
        };
        assert_eq!(seen([0, 0], false), pixels);
        // One row down and one column to the right.
        assert_eq!(seen([1, 1], false), [0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 11, 12]);
        assert_eq!(seen([0, -2], false), [3, 0, 0, 6, 0, 0, 13, 0, 0, 16, 0, 0]);
        let mirrored = [3, 2, 1, 6, 5, 4, 13, 12, 11, 16, 15, 14];
        assert_eq!(seen([0, 0], true), mirrored);
        assert_eq!(seen([-1, 1], true), [5, 4, 0, 0, 0, 0, 15, 14, 0, 0, 0, 0]);
    }

    #[test]
    fn what_comes_into_view_is_black_on_every_scale() {
        let channel = ChannelStatistics {
            mean: 0.5,
            deviation: 0.25,
        };
        let scales = [channel.scale(), channel.scale()];
        let view = View {
            shift: [2, 0],
            is_flipped: false,
        };
        let mut inputs = Vec::new();
        show_view(&[255; 12], SHAPE, view, Some(&scales), &mut inputs);
        assert_eq!(inputs, [-2.0; 12]);
    }
}
