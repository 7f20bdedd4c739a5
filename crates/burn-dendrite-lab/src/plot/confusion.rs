//! A table of counts as a picture.

use plotters::{
    prelude::{Rectangle, Text},
    style::{
        Color,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::{
    PlotError,
    frame::{Area, Drawn, Frame, LABEL, MARGIN, WIDTH, text},
    palette::{self, MUTED, SURFACE, TEXT},
};

/// Which class was taken for which: a row for each class, a column for each class that it was taken for.
/// The darker a cell, the larger its share of the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionChart {
    /// The title.
    pub title: String,
    /// What rows and columns are.
    pub label: String,
    /// The names of the classes.
    pub names: Vec<String>,
    /// The counts, row by row.
    pub counts: Vec<Vec<usize>>,
}

/// Room for the names of the classes, left of the cells and above them.
const NAMES: i32 = 150;
const ABOVE: i32 = 52;
/// Letters of a name for which there is room.
const LETTERS: usize = 8;
/// Cells narrower than this have no number, and no names beside them.
const NARROW: i32 = 34;

impl ConfusionChart {
    /// Whether there is anything to draw.
    pub fn is_empty(&self) -> bool {
        self.counts.iter().flatten().all(|count| *count == 0)
    }

    /// The picture as SVG.
    ///
    /// # Errors
    ///
    /// If there is nothing to draw, or plotters cannot.
    pub fn draw(&self) -> Result<String, PlotError> {
        if self.is_empty() {
            return Err(PlotError {
                title: self.title.clone(),
                message: "it has no samples".to_owned(),
            });
        }
        let side = (WIDTH as i32 - 2 * MARGIN as i32 - NAMES) / self.counts.len() as i32;
        let frame = Frame {
            title: &self.title,
            subtitle: &self.label,
            height: (ABOVE + side * self.counts.len() as i32) as u32,
            legend: Vec::new(),
        };
        frame.draw(|area| self.draw_on(area, side))
    }

    fn draw_on<'a>(&self, area: &Area<'a>, side: i32) -> Drawn<'a> {
        let left = MARGIN as i32 + NAMES;
        let size = LABEL.min((side as u32 * 2) / 5);
        let centred = Pos::new(HPos::Center, VPos::Center);
        let (ink, _) = palette::series(0);
        for (row, counts) in self.counts.iter().enumerate() {
            let samples: usize = counts.iter().sum();
            let top = ABOVE + row as i32 * side;
            let middle = top + side / 2;
            if side >= NARROW {
                let right = Pos::new(HPos::Right, VPos::Center);
                let style = text(LABEL.min(side as u32), TEXT);
                let name = short(&self.names[row], LETTERS);
                area.draw(&Text::new(name, (left - 12, middle), style.pos(right)))?;
                let style = text(size, MUTED).pos(centred);
                let name = short(&self.names[row], (side / 22).max(1) as usize);
                let x = left + row as i32 * side + side / 2;
                area.draw(&Text::new(name, (x, ABOVE / 2), style))?;
            }
            for (column, count) in counts.iter().enumerate() {
                let share = *count as f64 / samples.max(1) as f64;
                let x = left + column as i32 * side;
                let ends = [(x + 1, top + 1), (x + side - 1, top + side - 1)];
                // Few are to be told from none.
                let shade = if *count == 0 {
                    0.04
                } else {
                    (100.0 * (0.12 + 0.88 * share)).round() / 100.0
                };
                area.draw(&Rectangle::new(ends, ink.color().mix(shade).filled()))?;
                if side >= NARROW && *count > 0 {
                    let ink = if share > 0.5 { SURFACE } else { TEXT };
                    let style = text(size, ink).pos(centred);
                    let place = (x + side / 2, middle);
                    area.draw(&Text::new(count.to_string(), place, style))?;
                }
            }
        }
        Ok(())
    }
}

/// The beginning of a name for which there is not enough room.
fn short(name: &str, letters: usize) -> String {
    if name.chars().count() <= letters {
        return name.to_owned();
    }
    let kept: String = name.chars().take(letters.saturating_sub(1)).collect();
    if kept.is_empty() {
        String::new()
    } else {
        format!("{kept}…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(counts: Vec<Vec<usize>>) -> ConfusionChart {
        ConfusionChart {
            title: "Confusion".to_owned(),
            label: "rows are classes".to_owned(),
            names: (0..counts.len()).map(|class| format!("c{class}")).collect(),
            counts,
        }
    }

    #[test]
    fn a_cell_is_as_dark_as_its_share_of_the_row() {
        let svg = chart(vec![vec![3, 1], vec![0, 4]]).draw().unwrap();
        let shades: Vec<&str> = (svg.lines())
            .filter(|it| it.contains("<rect") && it.contains("#0072B2"))
            .map(|it| {
                it.split_once(" opacity=\"")
                    .unwrap()
                    .1
                    .split('"')
                    .next()
                    .unwrap()
            })
            .collect();
        // 0.12 + 0.88 · 3/4, 0.12 + 0.88 · 1/4, none, all.
        assert_eq!(shades, ["0.78", "0.34", "0.04", "1"]);
        for words in ["\n3\n", "\n1\n", "\n4\n", "\nc1\n"] {
            assert!(svg.contains(words), "{words} in {svg}");
        }
        assert!(!svg.contains("\n0\n"));
    }

    #[test]
    fn many_classes_have_no_numbers_and_no_samples_no_picture() {
        let mut counts = vec![vec![0; 47]; 47];
        (0..47).for_each(|class| counts[class][class] = 5);
        let svg = chart(counts).draw().unwrap();
        assert!(!svg.contains("\n5\n") && svg.matches("<rect").count() >= 47 * 47);
        assert!(chart(vec![vec![0; 2]; 2]).draw().is_err());
    }

    #[test]
    fn long_names_are_cut() {
        assert_eq!(short("aeroplane", 8), "aeropla…");
        assert_eq!(
            (short("ten", 8), short("ten", 1)),
            ("ten".to_owned(), String::new())
        );
    }
}
