#include <simdjson.h>

#include <cstring>
#include <optional>

#include "duckdb/decoder.h"
#include "text/json_records.h"
#include "text/spelling.h"

namespace weir::duckdb {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr int depth_limit = 1000;

std::string_view trimmed(std::string_view token) {
  while (!token.empty() && (token.back() == ' ' || token.back() == '\n' || token.back() == '\r' ||
                            token.back() == '\t')) {
    token.remove_suffix(1);
  }
  return token;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// RFC 8259 number grammar.
bool is_json_number(std::string_view text) {
  size_t at = 0;
  const auto digits = [&] {
    const size_t begin = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at > begin;
  };
  if (at < text.size() && text[at] == '-') ++at;
  const bool leading_zero = at < text.size() && text[at] == '0';
  const size_t begin = at;
  if (!digits() || (leading_zero && at > begin + 1)) return false;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (!digits()) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (!digits()) return false;
  }
  return at == text.size();
}

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

 private:
  bool decode_record(const text::RecordSlice& record, idx_t index);
  bool decode_members(ondemand::object object, idx_t index, bool& good);
  std::optional<size_t> find_column(std::string_view name);
  bool member_name(ondemand::field& field, std::string_view& name) const;

  // Each returns false when the JSON itself is broken; `fits` turns false when the value does not
  // fit the column.
  bool decode_value(ondemand::value value, ColumnWriter& writer, idx_t index, int depth,
                    bool& fits);
  bool decode_scalar(ondemand::value value, ondemand::json_type type, ColumnWriter& writer,
                     idx_t index, bool& fits);
  bool decode_json(ondemand::value value, ondemand::json_type type, ColumnWriter& writer,
                   idx_t index, int depth);
  bool decode_list(ondemand::value value, ColumnWriter& writer, idx_t index, int depth, bool& fits);
  bool check(ondemand::value value, int depth);
  bool check_object(ondemand::object object, int depth);
  bool check_array(ondemand::array array, int depth);
  bool check_scalar(ondemand::value value, ondemand::json_type type);

  ondemand::parser parser_;
  std::optional<text::JsonRecords> records_;
  std::vector<uint64_t> seen_;  // by column: the last record that had it
  uint64_t generation_ = 0;
  size_t expected_ = 0;  // the column after the one found last
  uint16_t input_ = 0;
  uint64_t sequence_ = 0;
  int64_t row_ = 0;
  bool pending_ = false;
  bool escapes_ = false;          // the record holds a backslash somewhere
  const char* reason_ = nullptr;  // why the JSON is broken, when a check knows better
};

bool JsonDecoder::decode_record(const text::RecordSlice& record, idx_t index) {
  if (record.broken != nullptr) {
    reject(row_, ScanRule::broken, record.broken);
    return false;
  }
  reason_ = nullptr;
  ondemand::document document;
  const std::string_view text = record.text;
  escapes_ = text.find('\\') != std::string_view::npos;
  auto error = parser_
                   .iterate(simdjson::padded_string_view(text.data(), text.size(),
                                                         text.size() + simdjson::SIMDJSON_PADDING))
                   .get(document);
  if (error == simdjson::UTF8_ERROR) {
    reject(row_, ScanRule::encoding, "");
    return false;
  }
  ondemand::object object;
  if (!error && (text.empty() || text.front() != '{')) {
    const bool valid = text::is_valid_json(text);
    reject(row_, valid ? ScanRule::not_an_object : ScanRule::broken,
           valid ? text : "not valid JSON");
    return false;
  }
  if (!error) error = document.get_object().get(object);
  bool good = true;
  bool whole = !error && decode_members(object, index, good);
  const char* behind = nullptr;
  if (whole && document.current_location().get(behind) != simdjson::OUT_OF_BOUNDS) {
    whole = false;
    reason_ = "text after the JSON value";
  }
  if (!whole) {
    const char* reason = reason_ != nullptr ? reason_
                         : error            ? simdjson::error_message(error)
                                            : "not valid JSON";
    reject(row_, ScanRule::broken, reason);
  }
  return whole && good;
}

bool JsonDecoder::member_name(ondemand::field& field, std::string_view& name) const {
  if (escapes_) return !field.unescaped_key().get(name);
  const char* begin = field.key().raw();
  name = {begin, static_cast<size_t>(static_cast<const char*>(::rawmemchr(begin, '"')) - begin)};
  return true;
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

bool JsonDecoder::decode_members(ondemand::object object, idx_t index, bool& good) {
  ++generation_;
  expected_ = 0;
  for (auto item : object) {
    ondemand::field field;
    if (std::move(item).get(field)) return false;
    std::string_view name;
    if (!member_name(field, name)) return false;
    const auto column = find_column(name);
    if (!column) {
      if (!check(field.value(), 1)) return false;
      continue;
    }
    if (seen_[*column] == generation_) {
      reject(row_, ScanRule::duplicate_member, name);
      good = false;
    }
    seen_[*column] = generation_;
    bool fits = true;
    ondemand::value value = field.value();
    const std::string_view token = trimmed(value.raw_json_token());
    if (!decode_value(value, writers_[*column], index, 1, fits)) return false;
    if (!fits) {
      const bool quoted = token.size() >= 2 && token.front() == '"' && token.back() == '"';
      reject_column(row_, *column, quoted ? token.substr(1, token.size() - 2) : token);
      writers_[*column].put_nothing();
      good = false;
    }
  }
  for (size_t column = 0; column < seen_.size(); ++column) {
    if (seen_[column] != generation_) writers_[column].put_null(index);
  }
  if (!good) reject_missing(row_);
  return true;
}

bool JsonDecoder::decode_value(ondemand::value value, ColumnWriter& writer, idx_t index, int depth,
                               bool& fits) {
  ondemand::json_type type;
  if (value.type().get(type)) return false;
  if (type == ondemand::json_type::null) {
    writer.put_null(index);
    return check_scalar(value, type);
  }
  if (writer.type().kind == TypeKind::json) return decode_json(value, type, writer, index, depth);
  if (writer.type().kind == TypeKind::list) {
    if (type == ondemand::json_type::array) return decode_list(value, writer, index, depth, fits);
    fits = false;
    return check(value, depth);
  }
  if (type == ondemand::json_type::object || type == ondemand::json_type::array) {
    fits = false;
    return check(value, depth);
  }
  return decode_scalar(value, type, writer, index, fits);
}

bool JsonDecoder::decode_scalar(ondemand::value value, ondemand::json_type type,
                                ColumnWriter& writer, idx_t index, bool& fits) {
  const std::string_view token = trimmed(value.raw_json_token());
  if (type == ondemand::json_type::string) {
    if (token.size() >= 2 && (!escapes_ || token.find('\\') == std::string_view::npos)) {
      if (token.back() != '"') return false;
      fits = writer.put_text(index, token.substr(1, token.size() - 2), TextLife::chunk);
      return true;
    }
    std::string_view unescaped;
    if (value.get_string().get(unescaped)) return false;
    fits = writer.put_text(index, unescaped, TextLife::call);
    return true;
  }
  if (!check_scalar(value, type)) return false;
  fits = writer.put_text(index, token, TextLife::chunk);
  return true;
}

bool JsonDecoder::decode_json(ondemand::value value, ondemand::json_type type, ColumnWriter& writer,
                              idx_t index, int depth) {
  std::string_view raw;
  if (type == ondemand::json_type::object) {
    ondemand::object object;
    if (value.get_object().get(object) || object.raw_json().get(raw) || object.reset().error() ||
        !check_object(object, depth)) {
      return false;
    }
  } else if (type == ondemand::json_type::array) {
    ondemand::array array;
    if (value.get_array().get(array) || array.raw_json().get(raw) || array.reset().error() ||
        !check_array(array, depth)) {
      return false;
    }
  } else {
    raw = value.raw_json_token();
    if (!check_scalar(value, type)) return false;
  }
  writer.put_json(index, trimmed(raw), TextLife::chunk);
  return true;
}

bool JsonDecoder::decode_list(ondemand::value value, ColumnWriter& writer, idx_t index, int depth,
                              bool& fits) {
  if (depth > depth_limit) {
    reason_ = "nested too deep";
    return false;
  }
  ondemand::array array;
  if (value.get_array().get(array)) return false;
  writer.begin_list(index);
  for (auto item : array) {
    ondemand::value element;
    if (std::move(item).get(element)) return false;
    bool element_fits = true;
    const idx_t at = writer.add_element();
    if (!decode_value(element, writer.element(), at, depth + 1, element_fits)) return false;
    fits = fits && element_fits;
  }
  writer.end_list(index);
  return true;
}

/// Walks a value nobody wants, so that a record is valid as a whole or not at all.
bool JsonDecoder::check(ondemand::value value, int depth) {
  ondemand::json_type type;
  if (value.type().get(type)) return false;
  if (type == ondemand::json_type::object) {
    ondemand::object object;
    return !value.get_object().get(object) && check_object(object, depth);
  }
  if (type == ondemand::json_type::array) {
    ondemand::array array;
    return !value.get_array().get(array) && check_array(array, depth);
  }
  return check_scalar(value, type);
}

bool JsonDecoder::check_object(ondemand::object object, int depth) {
  if (depth > depth_limit) {
    reason_ = "nested too deep";
    return false;
  }
  for (auto item : object) {
    ondemand::field field;
    if (std::move(item).get(field)) return false;
    std::string_view name;
    if (escapes_ && field.unescaped_key().get(name)) return false;
    if (!check(field.value(), depth + 1)) return false;
  }
  return true;
}

bool JsonDecoder::check_array(ondemand::array array, int depth) {
  if (depth > depth_limit) {
    reason_ = "nested too deep";
    return false;
  }
  for (auto item : array) {
    ondemand::value element;
    if (std::move(item).get(element) || !check(element, depth + 1)) return false;
  }
  return true;
}

/// Judges the token alone: a value that is not consumed is skipped by the iteration around it.
bool JsonDecoder::check_scalar(ondemand::value value, ondemand::json_type type) {
  const std::string_view token = trimmed(value.raw_json_token());
  switch (type) {
    case ondemand::json_type::string: {
      if (token.size() < 2 || token.back() != '"') return false;
      if (!escapes_ || token.find('\\') == std::string_view::npos) return true;
      std::string_view unescaped;
      return !value.get_string().get(unescaped);
    }
    case ondemand::json_type::number: return is_json_number(token);
    case ondemand::json_type::boolean: return token == "true" || token == "false";
    default: return token == "null";
  }
}

}  // namespace

std::unique_ptr<Decoder> make_json_decoder(const ScanSlot& slot) {
  return std::make_unique<JsonDecoder>(slot);
}

}  // namespace weir::duckdb
