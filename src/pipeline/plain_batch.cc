#include "pipeline/plain_batch.h"

#include <utility>

#include "crypto/digest.h"
#include "pipeline/request_bodies.h"
#include "pipeline/request_book.h"
#include "text/content_version.h"
#include "text/receipt_json.h"

namespace weir::pipeline {
namespace {

double elapsed_ms(std::chrono::steady_clock::time_point since) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - since)
      .count();
}

/// As that of any input with these bytes.
ObjectVersion version_of(std::string_view body) {
  std::vector<crypto::Sha256Digest> blocks;
  do {
    blocks.push_back(crypto::sha256(body.substr(0, text::digest_block_bytes)));
    body.remove_prefix(std::min(body.size(), text::digest_block_bytes));
  } while (!body.empty());
  return text::content_version(blocks);
}

Receipt receipt_of(const RowsRequest& request, const PipelineName& pipeline, size_t rows) {
  Receipt receipt;
  receipt.run = request.id;
  receipt.pipeline = pipeline;
  receipt.object = ObjectRef{RequestBodies::name(), ObjectKey(request.id.value())};
  receipt.version = version_of(request.body);
  receipt.status = RunState::succeeded;
  receipt.rows.read = receipt.rows.inserted = rows;
  return receipt;
}

}  // namespace

PlainBatch take_plain(PlainLoad& load, std::span<const Waiter> waiters,
                      const PipelineName& pipeline, Timestamp now) {
  PlainBatch taken;
  taken.begun = std::chrono::steady_clock::now();
  for (size_t i = 0; i < waiters.size(); ++i) {
    const RowsRequest& request = waiters[i].request;
    const size_t rows = load.take(request.body);
    if (rows > request.max_rows) load.forget_last(rows);
    if (rows == 0 || rows > request.max_rows) continue;
    taken.waiters.push_back(i);
    Receipt& receipt = taken.receipts.emplace_back(receipt_of(request, pipeline, rows));
    if (request.idempotency_key.empty()) continue;
    receipt.duration_ms = elapsed_ms(taken.begun);
    taken.stored.push_back({request.idempotency_key, request_digest(request),
                            text::to_json(receipt).to_string(), now});
  }
  return taken;
}

void answer_plain(PlainBatch taken, std::vector<Waiter>& waiters,
                  const std::optional<trace::TraceContext>& commit) {
  const double duration = elapsed_ms(taken.begun);
  for (size_t i = 0; i < taken.waiters.size(); ++i) {
    Waiter& waiter = waiters[taken.waiters[i]];
    // Who asks again gets the very same receipt.
    if (waiter.request.idempotency_key.empty()) taken.receipts[i].duration_ms = duration;
    waiter.done({RowsAnswer::Kind::done, std::move(taken.receipts[i]), commit});
  }
  erase_places(waiters, taken.waiters);
}

void erase_places(std::vector<Waiter>& waiters, std::span<const size_t> places) {
  size_t next = 0, kept = 0;
  for (size_t i = 0; i < waiters.size(); ++i) {
    if (next < places.size() && places[next] == i) {
      ++next;
    } else {
      if (kept != i) waiters[kept] = std::move(waiters[i]);
      ++kept;
    }
  }
  waiters.erase(waiters.begin() + static_cast<std::ptrdiff_t>(kept), waiters.end());
}

}  // namespace weir::pipeline
