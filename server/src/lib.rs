//! The server: what connects the scheduler (a crate of its own, without I/O) to stores, the network and people.
//!
//! | module | owns |
//! |---|---|
//! | [`store`] | what outlives the process |
//! | [`blob`] | packages, checkpoints and outputs, by digest |
//! | [`engine`] | the task that drives the scheduler: durable before visible; or that follows the server which does |
//! | `clock`, `news` | the time that it tells the scheduler; what becomes of the scheduler's commands |
//! | [`pending`] | blobs on their way, by the subject that brings them |
//! | [`sweep`] | blobs that nothing needs go |
//! | [`operate`] | what an operator does with the data besides serving it: backup, restore, check |
//! | [`accept`] | connections: counted, given their time, ended in order |
//! | [`routes`] | every route |
//! | [`api`] | the handlers behind them |
//! | [`guard`] | what every request passes: token, rate, time limit, log |
//! | `shared` | the one place of blobs of several servers |
//! | [`identity`] | which server this is, and whether it was restored from a backup |
//! | [`private`] | files that nobody else may read |
//! | [`audit`] | who did what |
//! | [`auth`], [`limits`] | who may do what, and how often |
//! | [`extract`], [`problem`] | requests in, problem documents out |
//! | [`observables`] | a job's observables over time, for its page |
//! | [`frame`] | a molecular job's last frame, for its page |
//! | [`submission`] | what a submitted archive has to be before a job of it exists |
//! | [`signatures`] | which signatures count: the operator's key list, the server's own key |
//! | [`memory`] | a budget of memory for what requests bring |
//! | [`page`], [`session`] | the page for people, and who looks at it |
//! | [`public_credit`] | the credit table that anyone may see |
//! | [`peer`], [`site`] | where a request comes from; the URL under which others reach the server |
//! | [`metrics`] | what is counted |
//! | [`webhook`] | the URLs that are told when a job ends |
//! | [`app`], [`serve`] | what handlers share; start and stop |

pub mod accept;
pub mod api;
pub mod app;
pub mod audit;
pub mod auth;
pub mod blob;
mod clock;
pub mod engine;
pub mod extract;
pub mod frame;
pub mod guard;
pub mod identity;
pub mod limits;
pub mod memory;
pub mod metrics;
mod news;
pub mod observables;
pub mod operate;
pub mod page;
pub mod peer;
pub mod pending;
pub mod private;
pub mod problem;
pub mod public_credit;
pub mod routes;
pub mod serve;
pub mod session;
mod shared;
pub mod signatures;
pub mod site;
pub mod store;
pub mod submission;
pub mod sweep;
pub mod webhook;
