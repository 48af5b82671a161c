#include "pipeline/request_book.h"

#include <fmt/format.h>

#include "crypto/digest.h"
#include "text/receipt_json.h"

namespace weir::pipeline {

std::string request_digest(const RowsRequest& request) {
  const std::string said =
      fmt::format("{} {} {} {}\n", request.table.value(), to_string(request.mode),
                  to_string(request.format), static_cast<int>(request.keep));
  return crypto::to_hex(crypto::sha256(said + request.body));
}

Result<void> RequestBook::close(std::span<const Input>, std::span<Receipt> receipts) {
  std::vector<StoredRequest> stored;
  for (size_t i = 0; i < receipts.size(); ++i) {
    const RowsRequest& request = *requests_[i];
    const RowCounts& rows = receipts[i].rows;
    if (rows.read > request.max_rows) {
      too_many_rows_ = true;
      return fail(ErrorCode::invalid_input,
                  fmt::format("the request has {} rows, and {} are taken at once", rows.read,
                              request.max_rows),
                  "send them in several requests");
    }
    if (request.keep == RowsRequest::Keep::all_or_nothing && rows.rejected > 0) {
      return fail(
          ErrorCode::too_many_rejects,
          fmt::format("{} of {} rows were rejected, so none is loaded", rows.rejected, rows.read),
          "mend the rejected rows and send all of them again");
    }
    if (request.idempotency_key.empty() || keeps_nothing()) continue;
    stored.push_back({request.idempotency_key, request_digest(request),
                      text::to_json(receipts[i]).to_string(), clock_.now()});
  }
  return RequestLedger(session_).write(stored);
}

}  // namespace weir::pipeline
