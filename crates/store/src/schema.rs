//! The tables, as diesel sees them: written from the migrations, in types that both databases have.

diesel::table! {
    users (id) {
        id -> BigInt,
        username -> Text,
        password_hash -> Text,
        is_admin -> Bool,
        created_at -> Timestamp,
    }
}

diesel::table! {
    sessions (token_hash) {
        token_hash -> Text,
        user_id -> BigInt,
        csrf -> Text,
        created_at -> Timestamp,
        expires_at -> Timestamp,
    }
}

diesel::table! {
    instances (id) {
        id -> BigInt,
        url -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    accounts (id) {
        id -> BigInt,
        user_id -> BigInt,
        instance_id -> BigInt,
        gitlab_user_id -> BigInt,
        username -> Text,
        token_cipher -> Binary,
        state -> Text,
        state_since -> Timestamp,
        linked_at -> Timestamp,
        scope_tried_at -> Nullable<Timestamp>,
        scope_checked_at -> Nullable<Timestamp>,
        refresh_cipher -> Nullable<Binary>,
        expires_at -> Nullable<Timestamp>,
        scopes -> Nullable<Text>,
        renewed_at -> Nullable<Timestamp>,
        renew_at -> Nullable<Timestamp>,
        renewing_until -> Nullable<Timestamp>,
    }
}

diesel::table! {
    oauth_applications (instance_id) {
        instance_id -> BigInt,
        client_id -> Text,
        secret_cipher -> Nullable<Binary>,
        created_at -> Timestamp,
    }
}

diesel::table! {
    master_key (id) {
        id -> Integer,
        proof -> Binary,
    }
}

diesel::table! {
    webhooks (instance_id) {
        instance_id -> BigInt,
        secret_hash -> Text,
        created_at -> Timestamp,
        last_event_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    oauth_sign_ins (state_hash) {
        state_hash -> Text,
        user_id -> BigInt,
        instance_id -> BigInt,
        verifier_cipher -> Binary,
        expires_at -> Timestamp,
    }
}

diesel::table! {
    areas (id) {
        id -> BigInt,
        instance_id -> BigInt,
        kind -> Text,
        gitlab_id -> BigInt,
        full_path -> Text,
        name -> Text,
        web_url -> Nullable<Text>,
        visibility -> Nullable<Text>,
        archived -> Bool,
        issues_enabled -> Bool,
        merge_requests_enabled -> Bool,
        first_seen_at -> Timestamp,
        seen_at -> Timestamp,
    }
}

diesel::table! {
    area_authorizations (account_id, area_id) {
        account_id -> BigInt,
        area_id -> BigInt,
        access_level -> Nullable<Integer>,
        seen_at -> Timestamp,
    }
}

// A view of the next two.
diesel::table! {
    jobs (id) {
        id -> Text,
        kind -> Text,
        payload -> Text,
        dedupe_key -> Text,
        state -> Text,
        wait_reason -> Nullable<Text>,
        priority -> Integer,
        lane -> Text,
        user_id -> Nullable<BigInt>,
        account_id -> Nullable<BigInt>,
        instance_id -> Nullable<BigInt>,
        area_id -> Nullable<BigInt>,
        parent_id -> Nullable<Text>,
        attempt -> Integer,
        max_attempts -> Integer,
        crashes -> Integer,
        lease_token -> BigInt,
        run_at -> Timestamp,
        worker -> Nullable<Text>,
        served_by -> Nullable<BigInt>,
        report_seq -> BigInt,
        progress -> Double,
        steps -> Text,
        cursor -> Nullable<Text>,
        result -> Nullable<Text>,
        error_class -> Nullable<Text>,
        error -> Nullable<Text>,
        created_at -> Timestamp,
        started_at -> Nullable<Timestamp>,
        finished_at -> Nullable<Timestamp>,
        updated_at -> Timestamp,
        rank -> BigInt,
    }
}

diesel::table! {
    job_rows (id) {
        id -> Text,
        kind -> Text,
        dedupe_key -> Text,
        state -> Text,
        wait_reason -> Nullable<Text>,
        user_id -> Nullable<BigInt>,
        account_id -> Nullable<BigInt>,
        instance_id -> Nullable<BigInt>,
        area_id -> Nullable<BigInt>,
        attempt -> Integer,
        crashes -> Integer,
        lease_token -> BigInt,
        report_seq -> BigInt,
        run_at -> Timestamp,
        error_class -> Nullable<Text>,
        error -> Nullable<Text>,
        finished_at -> Nullable<Timestamp>,
        updated_at -> Timestamp,
        rank -> BigInt,
    }
}

diesel::table! {
    leases (job_id) {
        job_id -> Text,
        token -> BigInt,
        worker -> Text,
        aborting -> Bool,
        served_by -> Nullable<BigInt>,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    jobs_counted_together (yes) {
        yes -> Bool,
    }
}

diesel::table! {
    turns (lane, share, priority) {
        lane -> Text,
        share -> BigInt,
        priority -> Integer,
        turn -> BigInt,
    }
}

diesel::table! {
    workers (name) {
        name -> Text,
        heartbeat_at -> Timestamp,
    }
}

diesel::table! {
    schedules (id) {
        id -> BigInt,
        name -> Text,
        kind -> Text,
        payload -> Text,
        priority -> Nullable<Integer>,
        user_id -> BigInt,
        account_id -> Nullable<BigInt>,
        area_id -> Nullable<BigInt>,
        every_seconds -> Nullable<BigInt>,
        cron -> Nullable<Text>,
        enabled -> Bool,
        next_run_at -> Nullable<Timestamp>,
        last_run_at -> Nullable<Timestamp>,
        last_job_id -> Nullable<Text>,
        created_at -> Timestamp,
    }
}

diesel::table! {
    pauses (scope, subject) {
        scope -> Text,
        subject -> Text,
        reason -> Text,
        user_id -> Nullable<BigInt>,
        since -> Timestamp,
    }
}

diesel::table! {
    job_items (job_id, name) {
        job_id -> Text,
        name -> Text,
        state -> Text,
        verdict -> Nullable<Text>,
        note -> Nullable<Text>,
        detail -> Nullable<Text>,
        updated_at -> Timestamp,
    }
}

// Every attempt, wherever it is written.
diesel::table! {
    attempts (job_id, lease_token) {
        job_id -> Text,
        lease_token -> BigInt,
        worker -> Text,
        started_at -> Timestamp,
        ended_at -> Nullable<Timestamp>,
        outcome -> Nullable<Text>,
        error_class -> Nullable<Text>,
        error -> Nullable<Text>,
    }
}

diesel::table! {
    job_messages (id) {
        id -> BigInt,
        job_id -> Text,
        level -> Text,
        at -> Timestamp,
        text -> Text,
        nr -> BigInt,
    }
}

// A view: the counters of the rows, and the leases.
diesel::table! {
    job_counts (kind, state, lane, user_id) {
        kind -> Text,
        state -> Text,
        lane -> Text,
        user_id -> BigInt,
        n -> BigInt,
    }
}

diesel::table! {
    resources (id) {
        id -> BigInt,
        instance_id -> BigInt,
        kind -> Text,
        gitlab_id -> BigInt,
        area_id -> BigInt,
        iid -> Nullable<BigInt>,
        parent_kind -> Nullable<Text>,
        parent_id -> Nullable<BigInt>,
        title -> Text,
        state -> Nullable<Text>,
        author -> Nullable<Text>,
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        closed_at -> Nullable<Timestamp>,
        merged_at -> Nullable<Timestamp>,
        web_url -> Nullable<Text>,
        confidential -> Bool,
        payload -> Text,
        deleted_at -> Nullable<Timestamp>,
        seen_generation -> BigInt,
        written_at -> Timestamp,
    }
}

diesel::table! {
    resource_counters (area_id, kind) {
        area_id -> BigInt,
        kind -> Text,
        n -> BigInt,
    }
}

diesel::table! {
    sync_states (area_id, kind) {
        area_id -> BigInt,
        kind -> Text,
        watermark -> Nullable<Timestamp>,
        tried_at -> Timestamp,
        completed_at -> Nullable<Timestamp>,
        generation -> BigInt,
        incomplete -> Nullable<Text>,
        failure -> Nullable<Text>,
        access_level -> Nullable<Integer>,
        full_at -> Nullable<Timestamp>,
        full_generation -> Nullable<BigInt>,
        full_reader -> Nullable<BigInt>,
        wanted_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    missed (area_id, kind, iid) {
        area_id -> BigInt,
        kind -> Text,
        iid -> BigInt,
        noticed_at -> Timestamp,
    }
}

diesel::table! {
    ingest_minutes (minute) {
        minute -> Timestamp,
        objects -> BigInt,
    }
}

diesel::table! {
    audit_log (id) {
        id -> BigInt,
        at -> Timestamp,
        user_id -> Nullable<BigInt>,
        action -> Text,
        detail -> Text,
    }
}

diesel::joinable!(accounts -> instances (instance_id));
diesel::joinable!(accounts -> users (user_id));
diesel::joinable!(webhooks -> instances (instance_id));
diesel::joinable!(oauth_applications -> instances (instance_id));
diesel::joinable!(area_authorizations -> accounts (account_id));
diesel::joinable!(area_authorizations -> areas (area_id));
diesel::joinable!(jobs -> areas (area_id));
diesel::joinable!(jobs -> accounts (account_id));
diesel::joinable!(resources -> areas (area_id));
diesel::joinable!(sync_states -> areas (area_id));
diesel::joinable!(pauses -> users (user_id));
diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(areas -> instances (instance_id));

diesel::allow_tables_to_appear_in_same_query!(
    users,
    sessions,
    instances,
    accounts,
    oauth_applications,
    webhooks,
    areas,
    area_authorizations,
    jobs,
    job_rows,
    leases,
    job_items,
    job_messages,
    pauses,
    job_counts,
    resources,
    resource_counters,
    sync_states,
    turns,
    workers
);
