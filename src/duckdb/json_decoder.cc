#include "duckdb/json_decoder.h"

namespace weir::duckdb {

bool JsonDecoder::begin_text(std::string_view text) {
  record_ = text;
  values_.begin(text, TextLife::chunk);
  return tokens_.start(text) == JsonTokens::Start::ok;
}

bool JsonDecoder::decode_object(idx_t index) {
  bool good = true;
  return tokens_.peek() == '{' && decode_members(index, good) && good;
}

bool JsonDecoder::decode_record(const text::RecordSlice& record, idx_t index) {
  if (record.broken != nullptr) {
    reject(row_, ScanRule::broken, record.broken);
    return false;
  }
  record_ = record.text;
  values_.begin(record.text, TextLife::chunk);
  const JsonTokens::Start start = tokens_.start(record.text);
  if (start == JsonTokens::Start::not_utf8) {
    reject(row_, ScanRule::encoding, "");
    return false;
  }
  if (start == JsonTokens::Start::ok && tokens_.peek() != '{') {
    const bool valid = tokens_.skip_value(0) && tokens_.done();
    reject(row_, valid ? ScanRule::not_an_object : ScanRule::broken,
           valid                ? record.text
           : tokens_.too_deep() ? "nested too deep"
                                : "not valid JSON");
    return false;
  }
  bool good = true;
  const bool whole = start == JsonTokens::Start::ok && decode_members(index, good);
  if (!whole || !tokens_.done()) {
    reject(row_, ScanRule::broken,
           whole                ? "text after the JSON value"
           : tokens_.too_deep() ? "nested too deep"
                                : "not valid JSON");
    return false;
  }
  return good;
}

std::optional<size_t> JsonDecoder::find_column(std::string_view name) {
  const auto& columns = slot_.columns();
  const size_t count = columns.size();
  for (size_t i = 0; i < count; ++i) {  // members mostly come in the declared order
    const size_t column = expected_ + i < count ? expected_ + i : expected_ + i - count;
    if (columns[column].name == name) {
      expected_ = column + 1 < count ? column + 1 : 0;
      return column;
    }
  }
  return std::nullopt;
}

bool JsonDecoder::decode_members(idx_t index, bool& good) {
  ++generation_;
  expected_ = 0;
  if (any_settings()) begin_flags(index);
  tokens_.step();  // {
  if (tokens_.peek() == '}') {
    tokens_.step();
  } else {
    while (true) {
      if (!decode_member(index, good)) return false;
      const char next = tokens_.peek();
      tokens_.step();
      if (next == '}') break;
      if (next != ',') return false;
    }
  }
  if (any_settings()) {
    put_absent_by_settings(index, good);
  } else {
    for (size_t column = 0; column < seen_.size(); ++column) {
      if (seen_[column] != generation_) writers_[column].put_null(index);
    }
  }
  if (!good) reject_missing(row_);
  return true;
}

bool JsonDecoder::decode_member(idx_t index, bool& good) {
  if (tokens_.peek() != '"' || !tokens_.at_string()) return false;
  const std::string_view token = tokens_.token();
  const auto column = find_column(tokens_.content(token));
  if (column && seen_[*column] == generation_) {
    reject(row_, ScanRule::duplicate_member, slot_.columns()[*column].name);
    good = false;
  }
  tokens_.step();
  if (tokens_.peek() != ':') return false;
  tokens_.step();
  if (!column) return tokens_.skip_value(1);
  seen_[*column] = generation_;
  if (any_settings() && (tokens_.peek() == 'n' || tokens_.peek() == '"')) {
    return decode_by_settings(*column, index, good);
  }
  return decode_as_it_is(*column, index, good);
}

inline bool JsonDecoder::decode_as_it_is(size_t column, idx_t index, bool& good) {
  bool fits = true;
  const size_t begin = tokens_.position();
  if (!values_.decode(writers_[column], index, 1, fits)) return false;
  if (!fits) {
    reject_value(column, begin, record_);
    good = false;
  }
  return true;
}

/// null and "" may mean something else than they are.
bool JsonDecoder::decode_by_settings(size_t column, idx_t index, bool& good) {
  const bool null = tokens_.peek() == 'n';
  const std::string_view token = tokens_.token();
  if (token != (null ? "null" : "\"\"")) return decode_as_it_is(column, index, good);
  const Put put = put_missing(null ? Missing::null : Missing::empty, column, index, row_);
  if (put == Put::keep) return decode_as_it_is(column, index, good);
  if (put == Put::rejected) good = false;
  tokens_.step();
  return true;
}

void JsonDecoder::put_absent_by_settings(idx_t index, bool& good) {
  for (size_t column = 0; column < seen_.size(); ++column) {
    if (seen_[column] == generation_) continue;
    if (put_missing(Missing::absent, column, index, row_) == Put::rejected) good = false;
  }
}

/// Tells the value as it stands, a string without its quotes.
void JsonDecoder::reject_value(size_t column, size_t begin, std::string_view record) {
  std::string_view value = record.substr(begin, tokens_.position() - begin);
  while (!value.empty() && (value.back() == ' ' || value.back() == '\n' || value.back() == '\r' ||
                            value.back() == '\t')) {
    value.remove_suffix(1);
  }
  const bool quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
  reject_column(row_, column, quoted ? value.substr(1, value.size() - 2) : value);
  writers_[column].put_nothing();
}

std::unique_ptr<Decoder> make_json_decoder(const ScanSlot& slot) {
  return std::make_unique<JsonDecoder>(slot);
}

}  // namespace weir::duckdb
