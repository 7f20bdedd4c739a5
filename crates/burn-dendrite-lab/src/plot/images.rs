//! Small images side by side, such as receptive fields.

use std::io::Cursor;

use base64::{Engine, engine::general_purpose::STANDARD};
use image::{ImageError, ImageFormat, Rgb, RgbImage};
use maud::html;

use super::{
    PlotError,
    frame::{Frame, MARGIN, TOP, WIDTH},
};

/// One image of a grid: a value for each pixel, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Tile {
    /// Pixels of a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// The values.
    pub values: Vec<f64>,
}

/// Images in rows. Each is scaled by its own largest absolute value: zero is white, positive values
/// are red and negative ones blue.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageGrid {
    /// The title.
    pub title: String,
    /// What the images are.
    pub subtitle: String,
    /// Images of a row.
    pub columns: usize,
    /// The images; all have the size of the first.
    pub tiles: Vec<Tile>,
}

/// Units of the picture for one pixel of an image, and between two images.
const GAP: u32 = 2;

impl ImageGrid {
    /// Whether there is anything to draw.
    pub fn is_empty(&self) -> bool {
        self.tiles.iter().all(|tile| tile.values.is_empty())
    }

    /// The picture as SVG, with the pixels in one embedded PNG image.
    ///
    /// # Errors
    ///
    /// If there is nothing to draw, or the images differ in size.
    pub fn draw(&self) -> Result<String, PlotError> {
        let wrong = |message: String| PlotError {
            title: self.title.clone(),
            message,
        };
        let first = self.tiles.first().filter(|_| !self.is_empty());
        let first = first.ok_or_else(|| wrong("it has no images".to_owned()))?;
        let fits = |tile: &Tile| {
            (tile.width, tile.height) == (first.width, first.height)
                && tile.values.len() == tile.width * tile.height
        };
        if let Some(other) = self.tiles.iter().find(|tile| !fits(tile)) {
            return Err(wrong(format!(
                "an image of {} values is said to be {} x {}, the first is {} x {}",
                other.values.len(),
                other.width,
                other.height,
                first.width,
                first.height
            )));
        }
        let columns = self.columns.clamp(1, self.tiles.len());
        let rows = self.tiles.len().div_ceil(columns);
        let side = |count: usize, size: usize| {
            u32::try_from(count * size).map(|pixels| pixels + (count as u32 + 1) * GAP)
        };
        let size = (side(columns, first.width), side(rows, first.height));
        let (Ok(width), Ok(height)) = size else {
            return Err(wrong("it is too large".to_owned()));
        };
        let mut png = RgbImage::from_pixel(width, height, Rgb([128; 3]));
        for (index, tile) in self.tiles.iter().enumerate() {
            let left = GAP + (index % columns) as u32 * (tile.width as u32 + GAP);
            let top = GAP + (index / columns) as u32 * (tile.height as u32 + GAP);
            paint(tile, |x, y, color| png.put_pixel(left + x, top + y, color));
        }
        let source = embedded(&png).map_err(|error| wrong(error.to_string()))?;
        let shown = WIDTH - 2 * MARGIN;
        let tall = (f64::from(shown) * f64::from(height) / f64::from(width)).round() as u32;
        let frame = Frame {
            title: &self.title,
            subtitle: &self.subtitle,
            height: tall + MARGIN / 2,
            legend: Vec::new(),
        };
        let svg = frame.draw(|_| Ok(()))?;
        let image = html! {
            image href=(source) x=(MARGIN) y=(TOP) width=(shown) height=(tall)
                style="image-rendering:pixelated" {}
        };
        Ok(svg.replacen("</svg>", &format!("{}</svg>", image.into_string()), 1))
    }
}

/// An image as the address of itself, for a page that refers to nothing outside.
///
/// # Errors
///
/// If it cannot be encoded.
pub fn embedded(image: &RgbImage) -> Result<String, ImageError> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png)?;
    let bytes = STANDARD.encode(bytes.into_inner());
    Ok(format!("data:image/png;base64,{bytes}"))
}

fn paint(tile: &Tile, mut put: impl FnMut(u32, u32, Rgb<u8>)) {
    let largest = (tile.values.iter().filter(|value| value.is_finite()))
        .fold(0.0, |most: f64, value| most.max(value.abs()));
    for (index, value) in tile.values.iter().enumerate() {
        let share = if largest > 0.0 && value.is_finite() {
            value / largest
        } else {
            0.0
        };
        let (x, y) = (index % tile.width, index / tile.width);
        put(x as u32, y as u32, diverging(share));
    }
}

/// The colour of a value in [-1, 1]: from blue over white to red.
fn diverging(share: f64) -> Rgb<u8> {
    let end = if share < 0.0 {
        [33.0, 102.0, 172.0]
    } else {
        [178.0, 24.0, 43.0]
    };
    let share = share.abs().min(1.0);
    Rgb(end.map(|end: f64| (255.0 + (end - 255.0) * share).round() as u8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_colours_scaled_by_the_largest() {
        let tile = Tile {
            width: 2,
            height: 2,
            values: vec![0.0, 2.0, -2.0, f64::NAN],
        };
        let mut seen = Vec::new();
        paint(&tile, |x, y, color| seen.push(((x, y), color.0)));
        assert_eq!(
            seen,
            [
                ((0, 0), [255, 255, 255]),
                ((1, 0), [178, 24, 43]),
                ((0, 1), [33, 102, 172]),
                ((1, 1), [255, 255, 255]),
            ]
        );
        assert_eq!(diverging(0.5).0, [217, 140, 149]);
    }

    #[test]
    fn the_png_of_a_grid_holds_every_image() {
        let tile = |value| Tile {
            width: 3,
            height: 2,
            values: vec![value; 6],
        };
        let grid = ImageGrid {
            title: "Fields".to_owned(),
            subtitle: "of units".to_owned(),
            columns: 2,
            tiles: vec![tile(1.0), tile(-1.0), tile(0.0)],
        };
        let svg = grid.draw().unwrap();
        let (_, after) = svg.split_once("base64,").unwrap();
        let png = STANDARD.decode(after.split('"').next().unwrap()).unwrap();
        let png = image::load_from_memory(&png).unwrap().to_rgb8();
        assert_eq!(png.dimensions(), (2 * 3 + 6, 2 * 2 + 6));
        assert_eq!(png.get_pixel(2, 2).0, [178, 24, 43]);
        assert_eq!(png.get_pixel(7, 2).0, [33, 102, 172]);
        assert_eq!(png.get_pixel(2, 6).0, [255; 3]);
        assert_eq!(png.get_pixel(7, 6).0, [128; 3]);
        assert!(svg.contains("aria-label=\"Fields\""));
    }

    #[test]
    fn images_that_do_not_fit_are_refused() {
        let grid = |tiles| ImageGrid {
            title: String::new(),
            subtitle: String::new(),
            columns: 4,
            tiles,
        };
        assert!(grid(Vec::new()).draw().is_err());
        let cut = Tile {
            width: 2,
            height: 2,
            values: vec![1.0],
        };
        assert!(grid(vec![cut]).draw().is_err());
    }
}
