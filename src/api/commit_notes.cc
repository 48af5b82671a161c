#include "api/commit_notes.h"

namespace weir::api {
namespace {

std::vector<trace::TraceContext> spans_of(const pipeline::RowsCommit& commit) {
  std::vector<trace::TraceContext> spans;
  for (const pipeline::RowsRequest* request : commit.requests) {
    if (request->span) spans.push_back(*request->span);
  }
  return spans;
}

int64_t rows_loaded(const pipeline::RowsCommit& commit) {
  uint64_t rows = 0;
  for (const Receipt& receipt : commit.receipts) rows += receipt.rows.loaded();
  return static_cast<int64_t>(rows);
}

}  // namespace

std::optional<trace::TraceContext> CommitNotes::committed(const pipeline::RowsCommit& commit) {
  metrics_.committed(commit.requests.size());
  if (tracer_ == nullptr) return std::nullopt;
  trace::Span span;
  span.links = spans_of(commit);
  if (span.links.empty()) return std::nullopt;  // nobody would find it
  // One request's own commit is a part of it. What several share is nobody's part alone.
  const bool alone = commit.requests.size() == 1;
  span.context = tracer_->begin(alone ? std::optional(span.links.front()) : std::nullopt);
  span.context.sampled = true;  // as the requests are
  if (alone) {
    span.parent = span.links.front().span;
    span.links.clear();
  }
  span.name = "commit rows";
  span.begun = commit.begun;
  span.ended = commit.ended;
  const pipeline::RowsRequest& first = *commit.requests.front();
  span.attributes = {{"weir.table", first.table.value()},
                     {"weir.mode", std::string(to_string(first.mode))},
                     {"weir.requests", static_cast<int64_t>(commit.requests.size())},
                     {"weir.rows.loaded", rows_loaded(commit)}};
  const trace::TraceContext context = span.context;
  for (const pipeline::Phase& phase : commit.phases) {
    trace::Span part;
    part.context = tracer_->begin(context);
    part.parent = context.span;
    part.name = phase.name;
    part.begun = phase.begun;
    part.ended = phase.ended;
    tracer_->end(std::move(part));
  }
  tracer_->end(std::move(span));
  return alone ? std::nullopt : std::optional(context);
}

}  // namespace weir::api
