//! The table of credit: what each subject's hosts computed that a second host confirmed.

use maud::{Markup, html};
use protocol::http::CreditView;

use super::lists::pages;
use super::parts::span;
use super::view::{ROWS, View};

/// One page of the table.
pub(super) fn table(rows: &[CreditView], base: &str, view: &View) -> Markup {
    html! {
        section #credit aria-labelledby="credit-title" {
            h2 #credit-title { "Credit" }
            p { "Segments that two hosts computed to the same result. The time is what they cost on the operator's reference device." }
            @if rows.is_empty() { p.none { "No work is verified yet." } }
            @else {
                div.scroll tabindex="0" role="region" aria-label="table of credit" { table {
                    thead { tr { th scope="col" { "volunteer" } th scope="col" { "hosts" } th scope="col" { "verified segments" } th scope="col" { "time" } } }
                    tbody {
                        @for row in rows.iter().skip(view.skip()).take(ROWS) {
                            tr {
                                td { (row.subject.as_deref().unwrap_or("volunteers with the shared token")) }
                                td { (row.hosts) } td { (row.segments) } td { (span(row.cost_s.saturating_mul(1000))) }
                            }
                        }
                    }
                } }
            }
            (pages(view, rows.len(), base, "volunteer"))
        }
    }
}
