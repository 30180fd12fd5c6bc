//! What went wrong, as a status and a friendly page; decided here and nowhere else.
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::municipality::Municipality;
use serde::Serialize;
use store::StoreError;
use text::EngineError;

use crate::templates::Page;

/// Why a page cannot be given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// There is no such page, or not for this visitor.
    #[error("not found")]
    NotFound,
    /// The visitor may not do this.
    #[error("forbidden")]
    Forbidden,
    /// The form or address cannot be understood.
    #[error("bad request")]
    BadRequest,
    /// It does not fit the present state (already done, changed meanwhile).
    #[error("conflict")]
    Conflict,
    /// No answers are taken any more.
    #[error("gone")]
    Gone,
    /// More than may be sent.
    #[error("too large")]
    TooLarge,
    /// Too often.
    #[error("too many requests")]
    TooMany,
    /// The database is away for a moment.
    #[error("unavailable: {0}")]
    Unavailable(#[source] StoreError),
    /// A template failed.
    #[error(transparent)]
    Template(#[from] EngineError),
    /// Our own mistake.
    #[error("internal: {0}")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl PageError {
    /// Our own mistake, with its cause for the log.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    /// The status it is answered with.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::Conflict => StatusCode::CONFLICT,
            Self::Gone => StatusCode::GONE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Template(_) | Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(_) => Self::NotFound,
            StoreError::Conflict(_) | StoreError::State(_) | StoreError::FrameFrozen { .. } => Self::Conflict,
            StoreError::RoundClosed => Self::Gone,
            StoreError::Nul => Self::BadRequest,
            temporary if temporary.is_temporary() => Self::Unavailable(temporary),
            other => Self::internal(other),
        }
    }
}

impl IntoResponse for PageError {
    /// Only the status; [`crate::layers::friendly_errors`] puts the page around it.
    fn into_response(self) -> Response {
        let status = self.status();
        if status.is_server_error() {
            tracing::error!(status = status.as_u16(), cause = %self, "Request failed: {self}");
        }
        status.into_response()
    }
}

/// The friendly page of a status.
#[derive(Debug, Serialize)]
pub struct ErrorPage {
    /// The status.
    pub status: u16,
    /// Key of the heading and the sentence: `common.error_404` and `common.error_404_text`.
    pub title_key: String,
    /// Key of the sentence.
    pub text_key: String,
    /// Tried too often: so many seconds to wait.
    pub wait_seconds: Option<u64>,
    /// The same in minutes, from two minutes on.
    pub wait_minutes: Option<u64>,
}

impl ErrorPage {
    /// The page of a status.
    #[must_use]
    pub fn of(status: StatusCode) -> Self {
        let known = match status.as_u16() {
            code @ (400 | 403 | 404 | 408 | 409 | 410 | 413 | 429 | 503) => code,
            405 => 404,
            415 | 422 => 400,
            400..=499 => 400,
            _ => 500,
        };
        let area = if known == 408 { "answering" } else { "common" };
        Self {
            status: status.as_u16(),
            title_key: format!("{area}.error_{known}"),
            text_key: format!("{area}.error_{known}_text"),
            wait_seconds: None,
            wait_minutes: None,
        }
    }

    /// The page of something tried too often, with the time to wait.
    #[must_use]
    pub fn too_often(seconds: u64) -> Self {
        let is_long = seconds > 120;
        Self {
            text_key: "answering.too_often".to_owned(),
            wait_seconds: (!is_long).then_some(seconds.max(1)),
            wait_minutes: is_long.then(|| seconds.div_ceil(60)),
            ..Self::of(StatusCode::TOO_MANY_REQUESTS)
        }
    }
}

impl Page for ErrorPage {
    const TEMPLATE: &'static str = "error.html";

    fn samples() -> Vec<Self> {
        [400, 403, 404, 405, 408, 409, 410, 413, 429, 500, 503]
            .into_iter()
            .filter_map(|code| StatusCode::from_u16(code).ok())
            .map(Self::of)
            .chain([Self::too_often(10), Self::too_often(300)])
            .collect()
    }
}

/// Put into a response's extensions by a handler that knows whose page failed, so that the friendly page carries its name and colour.
#[derive(Debug, Clone)]
pub struct Whose(pub Municipality);
