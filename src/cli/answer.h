#pragma once

#include "base/result.h"
#include "cli/services.h"
#include "owner/protocol.h"

namespace weir::cli {

/// The owner's half of every verb that needs an owner: does what the request asks for, and sends
/// the answer's frames. Called from many threads at once. Errors: usage (a verb or argument this
/// weir does not know), and each verb's own.
Result<void> answer(const owner::Request& request, Services& services, owner::FrameSink& sink);

/// `run`: {pipeline, objects: ["bucket/key"…], force} enqueues and waits; {pipeline, from, to} is a
/// backfill; {runs: [id…]} only waits, for who lost its owner. accepted, then progress and one
/// receipt per run.
Result<void> answer_run(const text::Json& args, Services& services, owner::FrameSink& sink);
/// `retry`: {run} or {all, pipeline} queues parked runs again and waits, as `run`; {runs: [id…]}
/// only waits; with dismiss: true they are over, and given as rows.
Result<void> answer_retry(const text::Json& args, Services& services, owner::FrameSink& sink);
/// `runs`: {pipeline, state, limit} gives rows, {run} the receipt of that run; {next: true,
/// pipeline, limit} the coming fires.
Result<void> answer_runs(const text::Json& args, Services& services, owner::FrameSink& sink);
/// `logs`: {run, level, limit} gives rows, the newest of all runs without `run`; then a `cursor`,
/// which, put into the next request, asks for what has come since.
Result<void> answer_logs(const text::Json& args, Services& services, owner::FrameSink& sink);
/// `top`: one `top` frame, what weir is doing.
Result<void> answer_top(const text::Json& args, Services& services, owner::FrameSink& sink);
/// `rejects`: {run, all, resolved} gives rows, {} those of all runs with their counts; {run, mend:
/// "csv" or "json"} gives text; {run, dismiss} marks them.
Result<void> answer_rejects(const text::Json& args, Services& services, owner::FrameSink& sink);
/// `replay`: {run or all, with: an absolute path, name: what errors call it, all} queues replays
/// and waits; {runs: [id…]} only waits. As `run`, then one left per run that still has rejects.
Result<void> answer_replay(const text::Json& args, Services& services, owner::FrameSink& sink);
/// `why`: {table, key: [text…]} gives rows, one per row of the table that has the key; with facts:
/// true one per fact.
Result<void> answer_why(const text::Json& args, Services& services, owner::FrameSink& sink);
/// `query`: {sql, in, write} gives rows.
Result<void> answer_query(const text::Json& args, Services& services, owner::FrameSink& sink);
/// `plan`: {pipeline, objects, force, write}. progress, one `planned` frame per input, then `plan`.
Result<void> answer_plan(const text::Json& args, Services& services, owner::FrameSink& sink);
/// `drift`: {table, apply} gives a row per difference, then a `drift` frame.
Result<void> answer_drift(const text::Json& args, Services& services, owner::FrameSink& sink);

/// `key`: {action: "create", name, scopes, tables, queries, plan, json} gives text with the key;
/// {action: "list"} and {action: "revoke", name} rows.
Result<void> answer_key(const text::Json& args, Services& services, owner::FrameSink& sink);

/// `doctor`: {} gives a row per finding about what only the owner's process can tell.
Result<void> answer_doctor(const text::Json& args, Services& services, owner::FrameSink& sink);

}  // namespace weir::cli
