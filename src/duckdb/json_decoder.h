#pragma once

// Inside src/duckdb only.

#include <optional>
#include <string_view>
#include <vector>

#include "duckdb/decoder.h"
#include "duckdb/json_tokens.h"
#include "duckdb/json_values.h"
#include "text/json_records.h"

namespace weir::duckdb {

/// Objects as rows: members by name, values by weir's own spelling.
class JsonDecoder final : public Decoder {
 public:
  explicit JsonDecoder(const ScanSlot& slot) : Decoder(slot), seen_(slot.columns().size()) {}

  Result<void> begin(uint16_t input, const text::RecordBlock& block,
                     text::RecordBlocks& /*blocks*/) override {
    input_ = input;
    sequence_ = block.sequence();
    records_.emplace(block);
    pending_ = true;
    return {};
  }
  Result<void> end(uint16_t, text::RecordBlocks&) override { return {}; }  // each record tells

  idx_t decode(idx_t capacity, int64_t* rows) override {
    idx_t good = 0;
    text::RecordSlice record;
    while (good < capacity) {
      if (!records_->next(record)) {
        pending_ = false;
        break;
      }
      row_ = make_row(input_, text::pack_row(sequence_, record.index));
      if (decode_record(record, good)) rows[good++] = row_;
    }
    return good;
  }

  bool pending() const override { return pending_; }
  uint32_t records() const override { return records_->count(); }

  /// For who walks a whole text's values without cutting it into records first. `text` has 64
  /// readable bytes behind it and stays as long as the columns are used. False: it is not JSON's.
  bool begin_text(std::string_view text);
  /// The tokens of that text; the walk begins at the first.
  JsonTokens& tokens() { return tokens_; }
  /// Decodes the object that the current token opens, and steps behind it. False: it is no good
  /// row; where the walk stands then means nothing.
  bool decode_object(idx_t index);

 private:
  bool decode_record(const text::RecordSlice& record, idx_t index);
  std::optional<size_t> find_column(std::string_view name);

  // Each returns false when the JSON itself is broken.
  bool decode_members(idx_t index, bool& good);
  bool decode_member(idx_t index, bool& good);
  bool decode_as_it_is(size_t column, idx_t index, bool& good);
  bool decode_by_settings(size_t column, idx_t index, bool& good);
  void put_absent_by_settings(idx_t index, bool& good);
  void reject_value(size_t column, size_t begin, std::string_view record);

  JsonTokens tokens_;
  JsonValues values_{tokens_};
  std::optional<text::JsonRecords> records_;
  std::string_view record_;
  std::vector<uint64_t> seen_;  // by column: the last record that had it
  uint64_t generation_ = 0;
  size_t expected_ = 0;  // the column after the one found last
  uint16_t input_ = 0;
  uint64_t sequence_ = 0;
  int64_t row_ = 0;
  bool pending_ = false;
};

}  // namespace weir::duckdb
