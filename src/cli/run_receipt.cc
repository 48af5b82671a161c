#include "cli/run_receipt.h"

#include "text/receipt_json.h"

namespace weir::cli {

Receipt receipt_of_run(const Run& run) {
  if (!run.receipt.empty()) {
    if (const auto json = text::Json::parse(run.receipt)) {
      if (auto receipt = text::receipt_from_json(*json)) return *std::move(receipt);
    }
  }
  Receipt receipt;
  receipt.run = run.id;
  receipt.pipeline = run.pipeline;
  receipt.object = run.object;
  receipt.status = run.state;
  if (!run.error.empty()) receipt.error = Error{ErrorCode::internal, run.error};
  return receipt;
}

}  // namespace weir::cli
