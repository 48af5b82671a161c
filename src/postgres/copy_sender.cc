#include "postgres/copy_sender.h"

#include <algorithm>
#include <cstdlib>

namespace weir::postgres {

namespace {

/// libpq copies each message into a buffer of its own, which grows to its size.
constexpr size_t message_bytes = size_t{1} << 20;

}  // namespace

Result<void> CopySender::begin() {
  const ResultPointer result{PQexec(session_.native(), statement_.c_str())};
  if (PQresultStatus(result.get()) != PGRES_COPY_IN) return fail(session_.failure(result.get()));
  at_work_ = true;
  sent_ = 0;
  return put(header_.data(), header_.size());
}

Result<void> CopySender::send(const char* data, size_t bytes) {
  if (sent_ >= end_bytes_) {
    WEIR_TRY(end_copy());
    end_bytes_ = std::min(2 * end_bytes_, most_bytes_);
    WEIR_TRY(begin());
  }
  return put(data, bytes);
}

Result<void> CopySender::put(const char* data, size_t bytes) {
  sent_ += bytes;
  while (bytes != 0) {
    const size_t piece = std::min(bytes, message_bytes);
    if (PQputCopyData(session_.native(), data, static_cast<int>(piece)) != 1) {
      return fail(give_up());
    }
    data += piece;
    bytes -= piece;
  }
  return {};
}

ResultPointer CopySender::answer(uint64_t& rows) {
  ResultPointer failed;
  while (ResultPointer result = session_.next_result()) {
    const ExecStatusType status = PQresultStatus(result.get());
    if (status == PGRES_COMMAND_OK) {
      rows = std::strtoull(PQcmdTuples(result.get()), nullptr, 10);
    } else if (status != PGRES_COPY_IN && !failed) {
      failed = std::move(result);
    }
    // Still copying: the end could not be sent.
    if (status == PGRES_COPY_IN || PQstatus(session_.native()) == CONNECTION_BAD) break;
  }
  return failed;
}

Error CopySender::give_up() {
  at_work_ = false;
  PQputCopyEnd(session_.native(), "the load was given up");
  uint64_t ignored = 0;
  // What the server says tells more than that it does not listen any more.
  const ResultPointer failed = answer(ignored);
  return session_.failure(failed.get());
}

Result<void> CopySender::end_copy() {
  WEIR_TRY(put(trailer_.data(), trailer_.size()));
  if (PQputCopyEnd(session_.native(), nullptr) != 1) return fail(give_up());
  at_work_ = false;
  uint64_t rows = 0;
  const ResultPointer failed = answer(rows);
  if (failed || PQstatus(session_.native()) == CONNECTION_BAD) {
    Error error = session_.failure(failed.get());
    server::Refusal refusal = session_.refusal();
    if (refusal.row != 0) refusal.row += rows_;
    session_.set_refusal(std::move(refusal));
    return fail(std::move(error));
  }
  rows_ += rows;
  return {};
}

Result<uint64_t> CopySender::end() {
  WEIR_TRY(end_copy());
  return rows_;
}

void CopySender::abort() {
  if (!at_work_) return;
  give_up();
  session_.set_refusal({});
}

}  // namespace weir::postgres
