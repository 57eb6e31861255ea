//! The frame around every view: head, navigation, search, and the policy of what the page may load.

use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use protocol::JobState;

use super::view::{Subject, View};
use crate::app::App;
use crate::auth::Caller;

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// A whole document; with the script that draws particles, where it may show some.
fn document(app: &App, title: &str, events: Option<&str>, draws: bool, body: Markup) -> Response {
    let base = app.site.base();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                link rel="stylesheet" href={ (base) "/page.css" };
                script src={ (base) "/page.js" } defer {}
                @if draws { script src={ (base) "/frame.js" } type="module" {} }
            }
            body data-base=(base) data-events=[events] { (body) }
        }
    };
    let headers: [(HeaderName, &str); 3] = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, page.into_string()).into_response()
}

/// The form that asks for a token.
pub(super) fn login(app: &App) -> Response {
    let form = html! {
        main.door {
            h1 { "Baton" }
            form method="post" action={ (app.site.base()) "/login" } {
                label for="token" { "A scientist's or operator's token" }
                input id="token" name="token" type="password" autocomplete="off" required;
                button { "Open" }
            }
        }
    };
    document(app, "Baton", None, false, form)
}

/// A view with what was wrong in its URL.
pub(super) fn view(app: &App, caller: &Caller, view: &View, wrong: &[String], content: Markup) -> Response {
    let base = app.site.base();
    let here = |subject| (view.subject == subject).then_some("page");
    let body = html! {
        header.top {
            h1 { a href={ (base) "/" } { "Baton" } }
            nav aria-label="main" {
                a href={ (base) "/" } aria-current=[here(Subject::Jobs)] { "Jobs" }
                a href={ (base) "/hosts" } aria-current=[here(Subject::Hosts)] { "Hosts" }
                a href={ (base) "/credit" } aria-current=[here(Subject::Credit)] { "Credit" }
            }
            span #live role="status" { "…" }
            @if caller.session.is_some() {
                form.logout method="post" action={ (base) "/logout" } { button { "Log out " (caller.subject) } }
            }
        }
        main {
            @if let Subject::Jobs | Subject::Hosts = view.subject { (search(base, caller, view)) }
            @for text in wrong { p.wrong role="alert" { (text) } }
            div #content { (content) }
        }
    };
    document(
        app,
        &title(view),
        Some(&view.events()),
        matches!(view.subject, Subject::Job(_)),
        body,
    )
}

/// A view for anyone: it changes once a day, so that nothing is listened to.
pub(super) fn public(app: &App, view: &View, content: Markup) -> Response {
    let body = html! {
        header.top { h1 { a href={ (app.site.base()) "/" } { "Baton" } } }
        main { div #content { (content) } }
    };
    document(app, &title(view), None, false, body)
}

/// What is not there.
pub(super) fn missing(app: &App, caller: &Caller, view: &View, what: &str) -> Response {
    let content = html! { p.none { "There is no " (what) " that you may see." } };
    let mut response = self::view(app, caller, view, &[], content);
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

fn title(view: &View) -> String {
    match view.subject {
        Subject::Jobs => "Jobs · Baton".to_owned(),
        Subject::Hosts => "Hosts · Baton".to_owned(),
        Subject::Credit => "Credit · Baton".to_owned(),
        Subject::Job(job) => format!("Job {job} · Baton"),
        Subject::Host(host) => format!("Host {host} · Baton"),
    }
}

fn search(base: &str, caller: &Caller, view: &View) -> Markup {
    let (action, what) = match view.subject {
        Subject::Hosts => ("/hosts", "hosts"),
        _ => ("/", "jobs"),
    };
    html! {
        form.search role="search" action={ (base) (action) } {
            label { "Search " (what) " " input type="search" name="q" value=(view.text) maxlength="100"; }
            @if action == "/" {
                label { "State "
                    select name="state" {
                        option value="" { "any" }
                        @for state in JobState::ALL {
                            option value=(state) selected[view.state == Some(*state)] { (state) }
                        }
                    }
                }
                @if caller.sees_all() {
                    label { "Whose "
                        select name="whose" {
                            option value="all" { "everyone's" }
                            option value="mine" selected[!view.all] { "mine" }
                        }
                    }
                }
            }
            button { "Show" }
        }
    }
}
