//! Every route there is.

use crate::handlers::{
    accounts, admin, api_accounts, api_admin, api_admin_jobs, api_applications, api_areas, api_export, api_job,
    api_jobs, api_outlook, api_pauses, api_schedules, api_search, api_submit, api_webhooks, assets, charts, explore,
    health, hooks, job, jobs, oauth, overview, project, resource as object, schedules, set_up, sign_in, stream,
};
use crate::oauth::CALLBACK;
use crate::openapi;
use actix_web::web::{PayloadConfig, ServiceConfig, delete, get, patch, post, resource, route};

/// The table.
pub fn table(routes: &mut ServiceConfig) {
    routes
        // for machines
        .route("/healthz", get().to(health::alive))
        .route("/readyz", get().to(health::ready))
        .route("/metrics", get().to(health::metrics))
        .route("/assets/{name}", get().to(assets::show))
        // coming in
        .route("/setup/{token}", get().to(set_up::form))
        .route("/setup/{token}", post().to(set_up::submit))
        .route("/welcome/{token}", get().to(set_up::welcome))
        .route("/sign-in", get().to(sign_in::form))
        .route("/sign-in", post().to(sign_in::submit))
        .route("/sign-out", post().to(sign_in::sign_out))
        .service(
            resource("/hooks/gitlab/{instance}")
                .app_data(PayloadConfig::new(hooks::LIMIT))
                .route(post().to(hooks::take)),
        )
        .route(CALLBACK, get().to(oauth::come_back))
        .route("/auth/gitlab/{instance}", get().to(oauth::depart))
        // pages
        .route("/", get().to(overview::show))
        .route("/jobs", get().to(jobs::show))
        .route("/jobs", post().to(jobs::scan))
        .route("/jobs/bulk", post().to(jobs::bulk))
        .route("/jobs/{id}", get().to(job::show))
        .route("/jobs/{id}/abort", post().to(job::abort))
        .route("/jobs/{id}/retry", post().to(job::retry))
        .route("/schedules", get().to(schedules::show))
        .route("/schedules", post().to(schedules::create))
        .route("/schedules/{id}/run", post().to(schedules::run))
        .route("/schedules/{id}/switch", post().to(schedules::switch))
        .route("/schedules/{id}/delete", post().to(schedules::delete))
        .route("/explore", get().to(explore::show))
        .route("/explore/group/{id}", get().to(explore::group))
        .route("/explore/project/{id}", get().to(project::show))
        .route("/explore/project/{id}/charts", get().to(charts::show))
        .route("/explore/issue/{id}", get().to(object::issue))
        .route("/explore/merge_request/{id}", get().to(object::merge_request))
        .route("/accounts", get().to(accounts::show))
        .route("/accounts", post().to(accounts::link))
        .route("/accounts/{id}/unlink", post().to(accounts::unlink))
        .route("/admin", get().to(admin::show))
        .route("/admin/pause", post().to(admin::pause))
        .route("/admin/applications", post().to(admin::set_application))
        .route("/admin/applications/{instance}/remove", post().to(admin::remove_application))
        .route("/admin/webhooks", post().to(admin::set_webhook))
        .route("/admin/webhooks/{instance}/remove", post().to(admin::remove_webhook))
        .route("/admin/go-on", post().to(admin::go_on))
        // API
        .route("/api/openapi.json", get().to(openapi::show))
        .route("/api/jobs", get().to(api_jobs::list))
        .route("/api/jobs", post().to(api_submit::submit))
        .route("/api/jobs/pending", get().to(api_jobs::pending))
        .route("/api/jobs/stream", get().to(stream::show))
        .route("/api/jobs/batch", post().to(api_submit::submit_batch))
        .route("/api/jobs/abort", post().to(api_jobs::abort_some))
        .route("/api/jobs/retry", post().to(api_jobs::retry_some))
        .route("/api/jobs/{id}", get().to(api_job::show))
        .route("/api/jobs/{id}/messages", get().to(api_job::messages))
        .route("/api/jobs/{id}/items", get().to(api_job::items))
        .route("/api/jobs/{id}/abort", post().to(api_job::abort))
        .route("/api/jobs/{id}/retry", post().to(api_job::retry))
        .route("/api/schedules", get().to(api_schedules::list))
        .route("/api/schedules", post().to(api_schedules::create))
        .route("/api/schedules/{id}", patch().to(api_schedules::change))
        .route("/api/schedules/{id}", delete().to(api_schedules::delete))
        .route("/api/schedules/{id}/run", post().to(api_schedules::run))
        .route("/api/outlook", get().to(api_outlook::show))
        .route("/api/areas", get().to(api_areas::list))
        .route("/api/resources", get().to(api_areas::resources))
        .route("/api/areas/{id}/charts", get().to(charts::for_programs))
        .route("/api/search", get().to(api_search::show))
        .route("/api/export/{file}", get().to(api_export::show))
        .route("/api/accounts", get().to(api_accounts::list))
        .route("/api/accounts", post().to(api_accounts::link))
        .route("/api/accounts/{id}", delete().to(api_accounts::unlink))
        .route("/api/admin/jobs/active", get().to(api_admin_jobs::active))
        .route("/api/admin/jobs/past", get().to(api_admin_jobs::past))
        .route("/api/admin/jobs/start", post().to(api_admin_jobs::start))
        .route("/api/admin/jobs/single/{id}/progress", get().to(api_admin_jobs::progress))
        .route("/api/admin/jobs/single/{id}/abort", post().to(api_admin_jobs::abort))
        .route("/api/admin/jobs/abort-all", post().to(api_admin_jobs::abort_all))
        .route("/api/admin/pauses", get().to(api_pauses::list))
        .route("/api/admin/pauses", post().to(api_pauses::pause))
        .route("/api/admin/pauses/{scope}/{subject}", delete().to(api_pauses::go_on))
        .route("/api/admin/applications", get().to(api_applications::list))
        .route("/api/admin/applications", post().to(api_applications::set))
        .route("/api/admin/applications/{instance}", delete().to(api_applications::remove))
        .route("/api/admin/webhooks", get().to(api_webhooks::list))
        .route("/api/admin/webhooks", post().to(api_webhooks::set))
        .route("/api/admin/webhooks/{instance}", delete().to(api_webhooks::remove))
        .route("/api/admin/processes", get().to(api_admin::processes))
        .default_service(route().to(health::nothing_here));
}
