#include <fmt/format.h>
#include <strings.h>

#include <optional>

#include "base/edit_distance.h"
#include "duckdb/decoder.h"
#include "duckdb/list_text.h"
#include "text/csv_records.h"
#include "text/spelling.h"

namespace weir::duckdb {
namespace {

class CsvDecoder final : public Decoder {
 public:
  explicit CsvDecoder(const ScanSlot& slot) : Decoder(slot) {}

  Result<void> begin(uint16_t input, const text::RecordBlock& block,
                     text::RecordBlocks& blocks) override {
    if (input != input_ || positions_.empty()) {
      WEIR_TRY(map_columns(blocks));
      input_ = input;
    }
    sequence_ = block.sequence();
    records_.emplace(block);
    pending_ = true;
    return {};
  }

  Result<void> end(uint16_t input, text::RecordBlocks& blocks) override {
    const bool judged = input == input_ && !positions_.empty();
    if (judged || blocks.header().empty()) return {};  // a file without a byte has no header
    input_ = input;
    return map_columns(blocks);
  }

  idx_t decode(idx_t capacity, int64_t* rows) override {
    idx_t good = 0;
    text::RecordSlice record;
    while (good < capacity) {
      if (!records_->next(record)) {
        pending_ = false;
        break;
      }
      const int64_t row = make_row(input_, text::pack_row(sequence_, record.index));
      if (decode_record(record, row, good)) rows[good++] = row;
    }
    return good;
  }

  bool pending() const override { return pending_; }
  uint32_t records() const override { return records_->count(); }

 private:
  Result<void> map_columns(text::RecordBlocks& blocks);
  bool decode_record(const text::RecordSlice& record, int64_t row, idx_t index);
  bool put_field(const text::CsvField& field, size_t column, int64_t row, idx_t index);
  bool put_fields_by_settings(int64_t row, idx_t index);

  std::optional<text::CsvRecords> records_;
  static constexpr size_t not_there = ~size_t{0};
  std::vector<size_t> positions_;  // source column → field
  size_t field_count_ = 0;
  uint16_t input_ = 0;
  uint64_t sequence_ = 0;
  bool pending_ = false;
  std::string scratch_;
  ListText lists_;
};

Result<void> CsvDecoder::map_columns(text::RecordBlocks& blocks) {
  const auto& columns = slot_.columns();
  positions_.clear();
  if (!slot_.dialect().header) {
    field_count_ = columns.size();
    for (size_t i = 0; i < columns.size(); ++i) positions_.push_back(i);
    return {};
  }
  const std::vector<std::string>& header = blocks.header();
  field_count_ = header.size();
  for (const ReadColumn& column : columns) {
    const auto at = std::find(header.begin(), header.end(), column.name);
    if (at == header.end() && column.missing.may_lack) {
      positions_.push_back(not_there);
      continue;
    }
    if (at == header.end()) {
      const std::vector<std::string_view> names(header.begin(), header.end());
      auto near = nearest(column.name, names);
      for (const std::string& name : header) {
        if (::strcasecmp(name.c_str(), column.name.c_str()) == 0) near = name;
      }
      return fail(
          ErrorCode::invalid_input,
          fmt::format("the header has no column '{}'; it has: {}", column.name,
                      fmt::join(header, ", ")),
          near ? fmt::format("did the file mean '{}'? Declare what it holds in read.columns", *near)
               : "declare what the file holds in read.columns; a column that may be missing says "
                 "absent: default or absent: null");
    }
    if (std::find(at + 1, header.end(), column.name) != header.end()) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("the header has the column '{}' twice", column.name),
                  "rename one of them in the file, or read it with header: false");
    }
    positions_.push_back(static_cast<size_t>(at - header.begin()));
  }
  return {};
}

bool CsvDecoder::decode_record(const text::RecordSlice& record, int64_t row, idx_t index) {
  if (record.broken != nullptr) {
    reject(row, ScanRule::broken, record.broken);
    return false;
  }
  const auto fields = records_->fields();
  if (records_->field_count() != field_count_) {
    reject(row, ScanRule::field_count,
           fmt::format("{} instead of {}", records_->field_count(), field_count_));
    return false;
  }
  if (!text::is_valid_utf8(record.text)) {
    reject(row, ScanRule::encoding, "");
    return false;
  }
  bool good = true;
  if (any_settings()) {
    good = put_fields_by_settings(row, index);
  } else {
    for (size_t column = 0; column < positions_.size(); ++column) {
      const text::CsvField& field = fields[positions_[column]];
      if (!field.quoted && field.text == slot_.dialect().null_text) {
        writers_[column].put_null(index);
      } else {
        good = put_field(field, column, row, index) && good;
      }
    }
  }
  if (!good) reject_missing(row);
  return good;
}

inline bool CsvDecoder::put_field(const text::CsvField& field, size_t column, int64_t row,
                                  idx_t index) {
  ColumnWriter& writer = writers_[column];
  const std::string_view value = records_->value(field, scratch_);
  const TextLife life = field.needs_unescape ? TextLife::call : TextLife::chunk;
  if (writer.put_text(index, value, life)) return true;
  if (writer.type().kind == TypeKind::list) {
    if (field.needs_unescape) scratch_.append(text::BlockBuffer::padding, '\0');
    const std::string_view json =
        field.needs_unescape ? std::string_view(scratch_.data(), value.size()) : value;
    if (lists_.put(writer, index, json, life)) return true;
    reject_column(row, column, json);
    return false;
  }
  reject_column(row, column, value);
  return false;
}

bool CsvDecoder::put_fields_by_settings(int64_t row, idx_t index) {
  const auto fields = records_->fields();
  begin_flags(index);
  bool good = true;
  for (size_t column = 0; column < positions_.size(); ++column) {
    Put put = Put::keep;
    if (positions_[column] == not_there) {
      put = put_missing(Missing::absent, column, index, row);
    } else {
      const text::CsvField& field = fields[positions_[column]];
      if (!field.quoted && field.text == slot_.dialect().null_text) {
        put = put_missing(Missing::null, column, index, row);
      } else if (field.text.empty()) {
        put = put_missing(Missing::empty, column, index, row);
      }
    }
    if (put == Put::rejected) good = false;
    if (put == Put::keep) good = put_field(fields[positions_[column]], column, row, index) && good;
  }
  return good;
}

}  // namespace

std::unique_ptr<Decoder> make_csv_decoder(const ScanSlot& slot) {
  return std::make_unique<CsvDecoder>(slot);
}

}  // namespace weir::duckdb
