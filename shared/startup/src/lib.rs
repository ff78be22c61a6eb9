//! What a function does once at its start: settings, clients, telemetry, clock.
