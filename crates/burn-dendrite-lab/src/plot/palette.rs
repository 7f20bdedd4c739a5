//! Colours with a shade for light pages and one for dark pages.

use plotters::style::RGBColor;

/// One entry of the palette.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ink {
    light: [u8; 3],
    dark: [u8; 3],
}

impl Ink {
    const fn new(light: u32, dark: u32) -> Self {
        const fn parts(rgb: u32) -> [u8; 3] {
            let [_, r, g, b] = rgb.to_be_bytes();
            [r, g, b]
        }
        Self {
            light: parts(light),
            dark: parts(dark),
        }
    }

    /// The shade that is written into a picture.
    pub(super) const fn color(self) -> RGBColor {
        let [r, g, b] = self.light;
        RGBColor(r, g, b)
    }
}

/// What is behind a chart.
pub(super) const SURFACE: Ink = Ink::new(0xFFFFFF, 0x161B22);
/// Titles and values.
pub(super) const TEXT: Ink = Ink::new(0x1F2328, 0xE6EDF3);
/// Labels of axes.
pub(super) const MUTED: Ink = Ink::new(0x59636E, 0x9DA7B1);
/// Lines of the grid.
pub(super) const GRID: Ink = Ink::new(0xDDE2E8, 0x30363D);

/// The series, told apart also by readers who confuse red and green: after Okabe and Ito, darkened
/// for white and lightened for black until the contrast of a thin line is at least 3:1.
const SERIES: [Ink; 8] = [
    Ink::new(0x0072B2, 0x58B0EC),
    Ink::new(0xD55E00, 0xFF9A5C),
    Ink::new(0x00845F, 0x35C79B),
    Ink::new(0x8A4FB0, 0xC39AEB),
    Ink::new(0xA87400, 0xE8BE4A),
    Ink::new(0xC23B82, 0xF58CC0),
    Ink::new(0x2E8B9E, 0x7AD3E4),
    Ink::new(0x6B7280, 0xB4BCC6),
];

/// The colour of a series by its number, and whether the palette has been used up before it.
pub(super) fn series(number: usize) -> (Ink, Stroke) {
    let stroke = match number / SERIES.len() % 2 {
        0 => Stroke::Solid,
        _ => Stroke::Dashed,
    };
    (SERIES[number % SERIES.len()], stroke)
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stroke {
    Solid,
    Dashed,
}

/// A small patch in the colour of a series, as SVG, for tables.
pub fn swatch(number: usize) -> String {
    let (ink, _) = series(number);
    let color = hex(ink.light);
    format!(
        "<svg class=\"swatch\" viewBox=\"0 0 2 1\" aria-hidden=\"true\">\
         <rect width=\"2\" height=\"1\" fill=\"{color}\"/></svg>"
    )
}

fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02X}{g:02X}{b:02X}")
}

/// The rules that recolour charts where the reader prefers dark.
///
/// Pictures name their colours in attributes, which any style rule overrides; programs that know no
/// style sheets show the light shades.
pub fn style_sheet() -> String {
    let rules: String = [SURFACE, TEXT, MUTED, GRID]
        .into_iter()
        .chain(SERIES)
        .map(|ink| {
            let (light, dark) = (hex(ink.light), hex(ink.dark));
            format!(
                "svg [fill=\"{light}\"]{{fill:{dark}}}svg [stroke=\"{light}\"]{{stroke:{dark}}}"
            )
        })
        .collect();
    format!("@media (prefers-color-scheme: dark){{{rules}}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance of sRGB, WCAG 2.
    fn luminance(rgb: [u8; 3]) -> f64 {
        let linear = |part: u8| {
            let c = f64::from(part) / 255.0;
            if c <= 0.04045 {
                c / 12.92
            } else {
                ((c + 0.055) / 1.055).powf(2.4)
            }
        };
        let [r, g, b] = rgb.map(linear);
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn lines_and_text_stand_out_from_both_backgrounds() {
        assert!((contrast([0; 3], [255; 3]) - 21.0).abs() < 1e-9);
        for ink in SERIES {
            assert!(contrast(ink.light, SURFACE.light) >= 3.0, "{ink:?}");
            assert!(contrast(ink.dark, SURFACE.dark) >= 3.0, "{ink:?}");
        }
        for ink in [TEXT, MUTED] {
            assert!(contrast(ink.light, SURFACE.light) >= 4.5, "{ink:?}");
            assert!(contrast(ink.dark, SURFACE.dark) >= 4.5, "{ink:?}");
        }
    }

    #[test]
    fn colours_return_dashed_after_the_last() {
        assert_eq!(series(1).1, Stroke::Solid);
        assert_eq!(series(9).1, Stroke::Dashed);
        assert_eq!(series(9).0.light, series(1).0.light);
    }

    #[test]
    fn every_shade_is_recoloured() {
        let sheet = style_sheet();
        assert!(sheet.contains("svg [fill=\"#FFFFFF\"]{fill:#161B22}"));
        assert!(sheet.contains("svg [stroke=\"#0072B2\"]{stroke:#58B0EC}"));
        assert_eq!(sheet.matches("[fill=").count(), 4 + SERIES.len());
    }
}
