#include "duckdb/decoder.h"

namespace weir::duckdb {

Decoder::Decoder(const ScanSlot& slot)
    : slot_(slot), has_default_(slot.columns().size()), flags_(slot.columns().size()) {
  for (const ReadColumn& column : slot.columns()) {
    writers_.emplace_back(column.type);
    const MissingValues& missing = column.missing;
    any_settings_ = any_settings_ || missing.absent == AbsentMeans::reject || missing.may_lack ||
                    missing.null == NullMeans::reject || missing.empty != EmptyMeans::text;
  }
  for (const size_t column : slot.defaults()) has_default_[column] = any_settings_ = true;
  for (const size_t column : slot.lengths_only()) writers_[column].keep_lengths_only();
}

void Decoder::attach(const std::vector<duckdb_vector>& vectors, const std::vector<bool*>& flags) {
  for (size_t i = 0; i < writers_.size(); ++i) writers_[i].attach(vectors[i]);
  flags_ = flags;
}

void Decoder::tell(int64_t row, int rule, std::string_view value) {
  if (row != told_row_) told_problems_ = 0;
  told_row_ = row;
  if (++told_problems_ <= most_problems_of_a_row) slot_.observer()->reject(row, rule, value);
}

void Decoder::reject_missing(int64_t row) {
  for (const size_t column : slot_.required()) {
    if (writers_[column].last_was_null()) {
      tell(row, slot_.column_rule(column, ColumnRule::required), "");
    }
  }
}

Decoder::Put Decoder::put_missing(Missing missing, size_t column, idx_t index, int64_t row) {
  const MissingValues& means = slot_.columns()[column].missing;
  ColumnRule rule = ColumnRule::absent;
  bool rejected = means.absent == AbsentMeans::reject;
  bool by_default = means.absent == AbsentMeans::use_default;
  if (missing == Missing::null) {
    rule = ColumnRule::null;
    rejected = means.null == NullMeans::reject;
    by_default = means.null == NullMeans::use_default;
  } else if (missing == Missing::empty) {
    if (means.empty == EmptyMeans::text) return Put::keep;
    rule = ColumnRule::empty;
    rejected = means.empty == EmptyMeans::reject;
    by_default = means.empty == EmptyMeans::use_default;
  }
  ColumnWriter& writer = writers_[column];
  writer.put_null(index);
  if (rejected) {
    tell(row, slot_.column_rule(column, rule), "");
    writer.put_nothing();
    return Put::rejected;
  }
  if (by_default && has_default_[column]) {
    writer.put_nothing();  // not missing: the default is what the contract will judge
    if (flags_[column] != nullptr) flags_[column][index] = true;
  }
  return Put::done;
}

}  // namespace weir::duckdb
