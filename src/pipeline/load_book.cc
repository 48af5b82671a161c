#include "pipeline/load_book.h"

#include "text/json.h"

namespace weir::pipeline {
namespace {

std::string header_json(const Input& input) {
  if (input.blocks == nullptr || input.blocks->header().empty()) return {};
  text::Json names = text::Json::array();
  for (const std::string& name : input.blocks->header()) names.push(name);
  return names.to_string();
}

}  // namespace

Result<void> LedgerBook::begin_rejects() { return session_.ledger().begin_rejects(); }

Result<void> LedgerBook::write_reject(const Input& input, const Reject& reject) {
  if (input_ != &input) {
    origin_ = {input.key,
               input.version,
               input.run->id,
               session_.parts().table->name,
               session_.dictionary_version(),
               header_json(input),
               rows_ == Rows::rolled_back,
               clock_.now()};
    if (rows_ == Rows::rolled_back) {
      WEIR_TRY(session_.ledger().supersede_rolled_back(origin_));
    }
    input_ = &input;
  }
  return session_.ledger().write_reject(origin_, reject);
}

Result<void> LedgerBook::end_rejects() { return session_.ledger().end_rejects(); }

Result<void> LedgerBook::close(std::span<const Input> inputs, std::span<Receipt> receipts) {
  std::vector<NewLoad> loads;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Input& input = inputs[i];
    NewLoad load;
    load.key = input.key;
    load.version = input.version;
    load.size_bytes = input.before.size_bytes;
    load.attempt = input.latest ? input.latest->attempt + 1 : 1;
    load.follows = input.latest ? input.latest->load_id : 0;
    load.table = session_.parts().table->name;
    load.receipt = &receipts[i];
    load.committed_at = clock_.now();
    loads.push_back(std::move(load));
  }
  WEIR_TRY(session_.ledger().write_loads(loads));
  return session_.ledger().supersede(loads);
}

}  // namespace weir::pipeline
