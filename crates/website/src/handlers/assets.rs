//! Style, modules and icons, embedded in the binary.

use crate::{
    answer::PageError,
    pages::{Assets, asset_url},
};
use actix_web::{HttpRequest, HttpResponse, http::header, web::Path};

/// `GET /assets/{name}?v={hash}`. With the right hash it may be kept for ever.
///
/// # Errors
/// No such file.
pub async fn show(name: Path<String>, request: HttpRequest) -> Result<HttpResponse, PageError> {
    let file = Assets::get(&name).ok_or(PageError::NotFound)?;
    let current = asset_url(&name);
    let asked = request.uri().path_and_query().map_or("", |path| path.as_str());
    let cache = if asked == current { "public, max-age=31536000, immutable" } else { "no-cache" };
    Ok(HttpResponse::Ok()
        .content_type(file.metadata.mimetype())
        .insert_header((header::CACHE_CONTROL, cache))
        .body(file.data.into_owned()))
}
