//! What the pages have in common: head, navigation, figures, specifications.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::section::Section;
use crate::plot::style_sheet;

const STYLE: &str = include_str!("style.css");

/// A place in a page that its navigation leads to.
pub(super) struct Place(String);

impl Place {
    /// The place with this heading.
    pub(super) fn new(heading: impl Into<String>) -> Self {
        Self(heading.into())
    }
}

/// The whole page, with styles and figures in it: it refers to nothing outside, and has no script.
pub(super) fn document(title: &str, lead: &str, places: &[Place], body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                // An empty icon: browsers ask for one otherwise.
                link rel="icon" href="data:,";
                title { (title) }
                style { (PreEscaped(STYLE)) (PreEscaped(style_sheet())) }
            }
            body {
                main {
                    header {
                        h1 { (title) }
                        p.lead { (lead) }
                        nav aria-label="Sections" {
                            @for Place(heading) in places {
                                a href={ "#" (anchor(heading)) } { (heading) }
                            }
                        }
                    }
                    (body)
                }
            }
        }
    }
}

/// The figures of a section, and what has none.
pub(super) fn figures(section: &Section) -> Markup {
    figures_on(section, None)
}

/// The same with what was measured on above them.
pub(super) fn figures_on(section: &Section, on: Option<&str>) -> Markup {
    html! {
        section id=(anchor(section.title)) {
            h2 { (section.title) }
            @if let Some(on) = on { p.note { "On " (on) "." } }
            div.figures {
                @for figure in &section.figures {
                    figure {
                        (PreEscaped(&figure.svg))
                        figcaption { (figure.caption) }
                    }
                }
            }
            @for sentence in &section.missing { p.note { (sentence) } }
        }
    }
}

/// A text that is shown when it is asked for.
pub(super) fn specification(name: &str, description: &str, text: &str) -> Markup {
    html! {
        details {
            summary {
                (name)
                @if !description.is_empty() {
                    span.description { (description) }
                }
            }
            pre { code { (text) } }
        }
    }
}

/// A title as the name of a place in the page.
pub(super) fn anchor(title: &str) -> String {
    title.to_lowercase().replace(' ', "-")
}
