#include "config/tests_entry.h"

#include <algorithm>
#include <limits>
#include <span>

#include "config/written_json.h"
#include "text/spelling.h"

namespace weir::config {
namespace {

using text::Json;

Json type_list(std::initializer_list<const char*> types) {
  Json list = Json::array();
  for (const char* type : types) list.push(type);
  return Json::object().set("type", std::move(list));
}

/// A cell: null, a scalar's text, or a list or map as JSON.
Value<CaseValue> cell_value() {
  Value<CaseValue> out;
  out.outline.type = "a value";
  out.outline.schema = type_list({"string", "number", "boolean", "null", "array", "object"});
  out.read = [](const YamlNode& node, Reader& reader) -> std::optional<CaseValue> {
    CaseValue value;
    value.location = node.kind == YamlKind::null ? reader.place(node) : node.location;
    if (node.kind == YamlKind::null) return value;
    if (node.kind == YamlKind::scalar) {
      std::optional<std::string> text = reader.text(node, "a value");
      if (!text) return std::nullopt;
      value.kind = CaseValue::Kind::text;
      value.text = *std::move(text);
      value.bare = node.style == YamlStyle::plain;
      return value;
    }
    value.kind = CaseValue::Kind::json;
    value.text = written_json(node);
    return value;
  };
  return out;
}

/// A value that also says where it stands.
template <class T>
Value<Located<T>> located(const Value<T>& value) {
  Value<Located<T>> out;
  out.outline = value.outline;
  out.read = [read = value.read](const YamlNode& node,
                                 Reader& reader) -> std::optional<Located<T>> {
    std::optional<T> got = read(node, reader);
    if (!got) return std::nullopt;
    return Located<T>{*std::move(got), node.location};
  };
  return out;
}

Value<std::vector<Located<CaseRowEntry>>> rows_value() {
  return list(located(named(any_name("column"), cell_value())));
}

/// A list is short for a map with `rows`.
Value<CaseRowsEntry> with_list_form(const Value<CaseRowsEntry>& full) {
  Value<CaseRowsEntry> out;
  const auto rows = rows_value();
  out.outline = either_outline(rows.outline, full.outline);
  out.read = [full = full.read, rows = rows.read, type = out.outline.type](
                 const YamlNode& node, Reader& reader) -> std::optional<CaseRowsEntry> {
    if (node.kind == YamlKind::map) return full(node, reader);
    if (node.kind != YamlKind::sequence) {
      reader.wrong(node, "a list of rows, or a map", "write e.g. [{id: 1}], or {file: rows.csv}");
      return std::nullopt;
    }
    CaseRowsEntry entry;
    entry.location = reader.place(node);
    entry.rows = rows(node, reader);
    return entry;
  };
  return out;
}

Value<Located<std::string>> fixture_file() {
  return text_value("a path below the project's folder");
}

constexpr const char* rows_doc =
    "The rows: `column: value` each. `null` is NULL; lists and maps are JSON.";

Value<CaseRowsEntry> given_rows_value() {
  return with_list_form(
      Record<CaseRowsEntry>("given_table", "Rows that are in a table when the test begins.")
          .optional("rows", &CaseRowsEntry::rows, rows_value(), rows_doc, "[{id: 1, name: Ada}]")
          .optional("file", &CaseRowsEntry::file, fixture_file(),
                    "The rows of a file: CSV whose header names columns, or JSON objects.",
                    "fixtures/departments.csv")
          .one_of({"rows", "file"})
          .value());
}

Value<CaseRowsEntry> expected_rows_value() {
  const auto column = text_value("the name of a column");
  return with_list_form(
      Record<CaseRowsEntry>("expected_table",
                            "All rows a table must have at the end, in the columns they name; "
                            "their order does not matter.")
          .optional("rows", &CaseRowsEntry::rows, rows_value(), rows_doc, "[{id: 1, name: Ada}]")
          .optional("file", &CaseRowsEntry::file, fixture_file(),
                    "The rows of a file: CSV whose header names columns, or JSON objects.",
                    "fixtures/hired.csv")
          .optional("only", &CaseRowsEntry::only, list(column),
                    "Compare these columns alone. Left out: all that the rows name.", "[id, name]")
          .optional("order_by", &CaseRowsEntry::order_by,
                    list(text_value("the name of a column, or a name and desc")),
                    "Compare the rows in this order, one by one.", "[day desc, id]")
          .one_of({"rows", "file"})
          .value());
}

Value<GivenObjectEntry> given_object_value() {
  return Record<GivenObjectEntry>("given_object",
                                  "An object that lies in a bucket when the test begins.")
      .optional("file", &GivenObjectEntry::file, fixture_file(), "The bytes of a file.",
                "fixtures/hired.csv")
      .optional("text", &GivenObjectEntry::text, text_value("text"),
                "The text itself. Where the object's name ends in .gz or .zst it is packed.",
                "\"id,name\\n1,Ada\\n\"")
      .optional("rows", &GivenObjectEntry::rows, rows_value(),
                "Rows, to be written in the format and columns of the step that reads them.",
                "[{id: 1, name: Ada}]")
      .one_of({"file", "text", "rows"})
      .value();
}

Value<GivenEntry> given_value() {
  return Record<GivenEntry>("given", "What is there when the test begins; all else is empty.")
      .optional("objects", &GivenEntry::objects,
                named(any_name("given object"), given_object_value()),
                "Objects in buckets, by bucket, '/' and key. They arrive in this order.",
                "{landing/a.csv: {file: fixtures/a.csv}}")
      .optional("tables", &GivenEntry::tables, named(any_name("given table"), given_rows_value()),
                "Rows in tables.", "{departments: [{id: 1, department: Ops}]}")
      .value();
}

struct Counter {
  const char* name;
  const char* doc;
};
constexpr Counter counters[] = {{"read", "Records of the input."},
                                {"expanded", "Rows that `unnest` added."},
                                {"folded", "Rows that `aggregate` merged into others."},
                                {"inserted", "Rows that are new in the table."},
                                {"updated", "Rows of the table that changed."},
                                {"unchanged", "Rows that were in the table as they are."},
                                {"loaded", "inserted + updated + unchanged."},
                                {"deduplicated", "Rows left out for others with the same key."},
                                {"filtered", "Rows that `where` left out."},
                                {"rejected", "Rows that broke a rule."},
                                {"replaced", "Rows that mode replace deleted first."}};

Value<RowCountsEntry> row_counts_value() {
  const auto count = integer_value(0, std::numeric_limits<int64_t>::max());
  Outline described;
  described.title = "receipt_rows";
  described.doc = "The counters of a receipt; those left out may be anything.";
  described.type = "a map";
  for (const Counter& counter : counters) {
    described.keys.push_back(
        {counter.name, counter.doc, "1", Need::optional, {}, {}, count.outline});
  }
  Value<RowCountsEntry> out;
  out.outline = record_outline(std::move(described));
  out.read = [outline = out.outline, count = count.read](
                 const YamlNode& node, Reader& reader) -> std::optional<RowCountsEntry> {
    if (node.kind != YamlKind::map) {
      reader.wrong(node, outline.type, "write e.g. {read: 3, rejected: 1}");
      return std::nullopt;
    }
    RowCountsEntry entry;
    read_keys(outline, node, reader, [&](size_t key, const YamlNode& value) {
      if (const auto got = count(value, reader)) {
        entry.counts.push_back({outline.keys[key].name, uint64_t(got->value), got->location});
      }
    });
    return entry;
  };
  return out;
}

Value<ReceiptEntry> receipt_value() {
  return Record<ReceiptEntry>("receipt", "The verdict on one input. What is named is compared.")
      .optional("status", &ReceiptEntry::status,
                choice_value<RunState>({{"succeeded", RunState::succeeded},
                                        {"partial", RunState::partial},
                                        {"skipped", RunState::skipped},
                                        {"failed", RunState::failed}}),
                "How the run ended.", "partial")
      .optional("rows", &ReceiptEntry::rows, row_counts_value(), "What became of the rows.",
                "{read: 3, inserted: 2, rejected: 1}")
      .value();
}

/// Whether a map holds receipts by name, not the keys of one receipt.
bool is_by_name(const YamlNode& node, const std::vector<std::string>& keys) {
  return std::any_of(node.entries.begin(), node.entries.end(), [&](const YamlEntry& entry) {
    if (std::find(keys.begin(), keys.end(), entry.key) != keys.end()) return false;
    if (entry.key.find('/') != std::string::npos) return true;
    const bool collection =
        entry.value.kind == YamlKind::map || entry.value.kind == YamlKind::sequence;
    return collection && near_miss(entry.key, keys).empty();
  });
}

/// One receipt, or a list of them.
Value<std::vector<ReceiptEntry>> one_or_more(const Value<ReceiptEntry>& one) {
  Value<std::vector<ReceiptEntry>> out;
  const auto more = list(one);
  out.outline = either_outline(one.outline, more.outline);
  out.read = [one = one.read, more = more.read](
                 const YamlNode& node, Reader& reader) -> std::optional<std::vector<ReceiptEntry>> {
    if (node.kind == YamlKind::sequence) return more(node, reader);
    std::optional<ReceiptEntry> got = one(node, reader);
    if (!got) return std::nullopt;
    return std::vector<ReceiptEntry>{*std::move(got)};
  };
  return out;
}

Value<ReceiptsEntry> receipts_value() {
  const auto several = one_or_more(receipt_value());
  const auto by_name = named(any_name("receipt"), several);
  const std::vector<std::string> keys = {"status", "rows"};
  Value<ReceiptsEntry> out;
  out.outline = either_outline(several.outline, by_name.outline);
  out.outline.type = "a receipt, a list of them, or a map of them by input or pipeline";
  out.read = [=](const YamlNode& node, Reader& reader) -> std::optional<ReceiptsEntry> {
    ReceiptsEntry entry;
    if (node.kind == YamlKind::map && is_by_name(node, keys)) {
      auto got = by_name.read(node, reader);
      if (!got) return std::nullopt;
      entry.named = *std::move(got);
      return entry;
    }
    if (node.kind != YamlKind::map && node.kind != YamlKind::sequence) {
      reader.wrong(node, "a receipt", "write e.g. {status: succeeded, rows: {read: 3}}");
      return std::nullopt;
    }
    auto got = several.read(node, reader);
    if (!got) return std::nullopt;
    entry.named.push_back({"", reader.place(node), true, *std::move(got)});
    return entry;
  };
  return out;
}

struct Member {
  const char* name;
  const char* doc;
  const char* example;
};
constexpr Member reject_members[] = {
    {"object", "Bucket, '/' and key of the input.", "landing/a.csv"},
    {"line", "The line its record begins in.", "2"},
    {"element", "The number of its record, from 1.", "1"},
    {"field", "The column.", "id"},
    {"rule", "The rule that is broken.", "required"},
    {"value", "The offending text.", "\"1.7\""},
    {"message", "What the receipt says.", "a value is required"},
    {"raw", "The record as its source spells it.", "\"1.7,Ada\""}};
constexpr Member notice_members[] = {
    {"type", "What it tells of: `success`, `failure` or `rejects`.", "failure"},
    {"pipeline", "The pipeline that has the notify step.", "load"},
    {"step", "The number of the notify step in its pipeline, from 1.", "3"},
    {"object", "Bucket, '/' and key of the input.", "landing/a.csv"},
    {"status", "How the run ended: as in a receipt.", "failed"},
    {"read", "Records of the input.", "3"},
    {"inserted", "Rows that are new in the table.", "2"},
    {"updated", "Rows of the table that changed.", "0"},
    {"unchanged", "Rows that were in the table as they are.", "0"},
    {"loaded", "inserted + updated + unchanged.", "2"},
    {"deduplicated", "Rows left out for others with the same key.", "0"},
    {"filtered", "Rows that `where` left out.", "0"},
    {"rejected", "Rows that broke a rule.", "1"}};

/// What is named of one of several things that come out.
Value<MembersEntry> members_value(const char* title, const char* doc, const char* hint,
                                  std::span<const Member> members) {
  const auto text = text_value("text");
  Outline described;
  described.title = title;
  described.doc = doc;
  described.type = "a map";
  for (const Member& member : members) {
    Outline value = text.outline;
    value.schema = type_list({"string", "number", "boolean"});
    described.keys.push_back(
        {member.name, member.doc, member.example, Need::optional, {}, {}, std::move(value)});
  }
  Value<MembersEntry> out;
  out.outline = record_outline(std::move(described));
  out.read = [outline = out.outline, text = text.read, hint](
                 const YamlNode& node, Reader& reader) -> std::optional<MembersEntry> {
    if (node.kind != YamlKind::map) {
      reader.wrong(node, outline.type, hint);
      return std::nullopt;
    }
    MembersEntry entry;
    entry.location = node.location;
    read_keys(outline, node, reader, [&](size_t key, const YamlNode& value) {
      if (auto got = text(value, reader)) {
        entry.members.emplace_back(outline.keys[key].name, std::move(got->value));
      }
    });
    return entry;
  };
  return out;
}

Value<MembersEntry> reject_value() {
  return members_value("reject", "One problem of a rejected row. What is named is compared.",
                       "write e.g. {line: 2, field: id, rule: required}", reject_members);
}

Value<MembersEntry> notice_value() {
  return members_value("notice", "What one notify step says of one run. What is named is compared.",
                       "write e.g. {type: failure, pipeline: load}", notice_members);
}

Value<ExpectEntry> expect_value() {
  return Record<ExpectEntry>("expect", "What must come out. What is not named may be anything.")
      .optional("receipt", &ExpectEntry::receipt, receipts_value(),
                "The receipt; of several inputs, those of each by its name, or a list of all in "
                "the order they are made.",
                "{status: partial, rows: {read: 3, rejected: 1}}")
      .optional("tables", &ExpectEntry::tables,
                named(any_name("expected table"), expected_rows_value()),
                "The tables' rows at the end.", "{hired: [{id: 1, name: Ada}]}")
      .optional("rejects", &ExpectEntry::rejects, list(reject_value()),
                "All problems of all rejected rows, in any order.",
                "[{line: 2, field: id, rule: required}]")
      .optional("notices", &ExpectEntry::notices, list(notice_value()),
                "All that notify steps would say, in any order. Nothing is sent.",
                "[{type: rejects, object: landing/a.csv, rejected: 1}]")
      .optional("error", &ExpectEntry::error, text_value("text"),
                "A run must fail, and its error hold this text.", "stop_at")
      .value();
}

Value<Located<Timestamp>> moment_value() {
  Value<Located<Timestamp>> out;
  const auto text = text_value("a moment such as 2026-11-20T00:05:00Z");
  out.outline = text.outline;
  out.read = [read = text.read, type = text.outline.type](
                 const YamlNode& node, Reader& reader) -> std::optional<Located<Timestamp>> {
    const auto got = read(node, reader);
    if (!got) return std::nullopt;
    int64_t micros = 0;
    if (text::parse_timestamptz(got->value, micros) != text::Spelling::ok) {
      reader.wrong(node, type, "date, T, time, and Z or an offset");
      return std::nullopt;
    }
    return Located<Timestamp>{Timestamp(std::chrono::microseconds(micros)), got->location};
  };
  return out;
}

/// One name, or a list of them.
Value<std::vector<Located<std::string>>> names_value() {
  const auto one = text_value("the name of a pipeline");
  const auto more = list(one);
  Value<std::vector<Located<std::string>>> out;
  out.outline = either_outline(one.outline, more.outline);
  out.read = [one = one.read, more = more.read, type = out.outline.type](
                 const YamlNode& node,
                 Reader& reader) -> std::optional<std::vector<Located<std::string>>> {
    if (node.kind == YamlKind::sequence) return more(node, reader);
    std::optional<Located<std::string>> got = one(node, reader);
    if (!got) return std::nullopt;
    return std::vector<Located<std::string>>{*std::move(got)};
  };
  return out;
}

}  // namespace

Value<TestEntry> test_value() {
  return Record<TestEntry>("test",
                           "Runs pipelines on given data, in databases and buckets of its own that "
                           "are gone at the end, and compares what comes out: `weir test`.")
      .required("pipeline", &TestEntry::pipelines, names_value(),
                "What is run: one pipeline, or several in order.", "load")
      .optional("at", &TestEntry::at, moment_value(),
                "The time by which it is run; `${run.day}` and `${run.scheduled_for}` derive from "
                "it. Left out: now.",
                "2026-11-20T00:05:00Z")
      .optional("given", &TestEntry::given, given_value(), "What is there when the test begins.",
                "{objects: {landing/a.csv: {file: fixtures/a.csv}}}")
      .required("expect", &TestEntry::expect, expect_value(), "What must come out.",
                "{receipt: {status: succeeded}}")
      .value();
}

}  // namespace weir::config
