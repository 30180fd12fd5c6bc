//! Static files, embedded and served under a name that changes with their content, so that browsers may keep them for good.
use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::error::PageError;

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/static");

/// The embedded files by the name under which they are served.
#[derive(Debug)]
pub struct Assets {
    served: BTreeMap<String, (&'static [u8], &'static str)>,
    urls: BTreeMap<String, String>,
}

impl Assets {
    /// Names every embedded file after its content: `pejling.css` becomes `pejling.<16 hexadecimal digits>.css`.
    #[must_use]
    pub fn embedded() -> Self {
        let mut assets = Self { served: BTreeMap::new(), urls: BTreeMap::new() };
        for file in FILES.files() {
            let Some(name) = file.path().to_str() else { continue };
            let (stem, extension) = name.rsplit_once('.').unwrap_or((name, "bin"));
            let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(file.contents())[..8]);
            let served = format!("{stem}.{digest}.{extension}");
            assets.urls.insert(name.to_owned(), format!("/assets/{served}"));
            assets.served.insert(served, (file.contents(), media_type(extension)));
        }
        assets
    }

    /// Address by file name, for templates.
    #[must_use]
    pub const fn urls(&self) -> &BTreeMap<String, String> {
        &self.urls
    }
}

fn media_type(extension: &str) -> &'static str {
    match extension {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "txt" => "text/plain; charset=utf-8",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

/// `GET /assets/{name}`
pub(crate) async fn serve(State(app): State<App>, Path(name): Path<String>) -> Result<Response, PageError> {
    let (content, media_type) = *app.assets().served.get(&name).ok_or(PageError::NotFound)?;
    let headers = [(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, content).into_response())
}
