#include <algorithm>

#include "config/key_pattern.h"
#include "config/resolve.h"
#include "config/resolve_case_rows.h"

namespace weir::config {
namespace {

const ReadStep* read_step(const Pipeline& pipeline) {
  for (const Step& step : pipeline.steps) {
    if (const auto* read = std::get_if<ReadStep>(&step)) return read;
  }
  return nullptr;
}

const LoadStep* load_step(const Pipeline& pipeline) {
  for (const Step& step : pipeline.steps) {
    if (const auto* load = std::get_if<LoadStep>(&step)) return load;
  }
  return nullptr;
}

bool has_patterns(const Pipeline& pipeline) {
  return std::any_of(
      pipeline.triggers.begin(), pipeline.triggers.end(),
      [](const Trigger& trigger) { return std::holds_alternative<ObjectTrigger>(trigger); });
}

/// Of what is there under a test's names, one thing each.
class TestCheck {
 public:
  TestCheck(const Named<TestEntry>& entry, Resolving& resolving)
      : entry_(entry), resolving_(resolving), reader_(resolving.reader) {}

  void run() {
    test_.name = entry_.name;
    test_.location = entry_.location;
    if (entry_.value.at) test_.at = entry_.value.at->value;
    const size_t errors = reader_.errors();
    resolve_pipelines();
    for (const auto& object : entry_.value.given.objects) resolve_object(object);
    for (const auto& table : entry_.value.given.tables) resolve_given_table(table);
    resolve_expectations();
    if (!entry_.sound || !whole_ || reader_.errors() != errors) return;
    check_inputs();
    check_clock();
    if (reader_.errors() == errors) resolving_.project.tests.push_back(std::move(test_));
  }

 private:
  CaseSubject subject(std::string rows) const { return {std::move(rows), entry_.name}; }
  std::string in_test() const { return " in test '" + entry_.name + "'"; }

  void resolve_pipelines() {
    const std::vector<std::string> known = names_of(resolving_.entry.pipelines);
    for (const Located<std::string>& name : entry_.value.pipelines) {
      if (find_entry(resolving_.entry.pipelines, name.value) == nullptr) {
        reader_.error(
            name.location, "unknown pipeline '" + name.value + "'" + in_test(),
            known.empty() ? "declare it under pipelines:" : suggestion(name.value, known));
        continue;
      }
      const Pipeline* pipeline = resolving_.project.find_pipeline(PipelineName(name.value));
      whole_ = whole_ && pipeline != nullptr;  // its own errors are enough
      if (pipeline != nullptr) take_pipeline(*pipeline, name.location);
      test_.pipelines.emplace_back(name.value);
    }
    if (entry_.sound && entry_.value.pipelines.empty()) {
      reader_.error(entry_.location, "test '" + entry_.name + "' runs no pipeline",
                    "name one: pipeline: NAME");
    }
  }

  void take_pipeline(const Pipeline& pipeline, const Location& at) {
    const bool queries =
        std::any_of(pipeline.steps.begin(), pipeline.steps.end(),
                    [](const Step& step) { return std::holds_alternative<SqlStep>(step); });
    if (read_step(pipeline) == nullptr && !queries) {
      reader_.error(at,
                    "pipeline '" + pipeline.name.value() + "'" + in_test() +
                        " makes no rows, and a test neither downloads nor sends anything",
                    "give the objects it would bring, and test the pipeline that reads them");
    }
    pipelines_.push_back(&pipeline);
  }

  static bool reads(const Pipeline& pipeline, const ObjectRef& object) {
    if (read_step(pipeline) == nullptr) return false;
    if (!has_patterns(pipeline)) return true;
    return std::any_of(pipeline.triggers.begin(), pipeline.triggers.end(),
                       [&](const Trigger& trigger) {
                         const auto* pattern = std::get_if<ObjectTrigger>(&trigger);
                         return pattern != nullptr && pattern->bucket == object.bucket &&
                                patterns_meet(pattern->pattern, object.key.value());
                       });
  }
  const Pipeline* reader_of(const ObjectRef& object) const {
    for (const Pipeline* pipeline : pipelines_) {
      if (reads(*pipeline, object)) return pipeline;
    }
    return nullptr;
  }

  /// None, and an error, when the name is no object of the project.
  std::optional<ObjectRef> object_ref(const std::string& name, const Location& at) const {
    const size_t slash = name.find('/');
    const std::string bucket = name.substr(0, slash);
    const std::string key = slash == std::string::npos ? "" : name.substr(slash + 1);
    const std::vector<std::string> known = names_of(resolving_.entry.buckets);
    const std::string framed = "/" + key + "/";
    if (key.empty() || key.size() > longest_pattern || framed.find("//") != std::string::npos ||
        framed.find("/./") != std::string::npos || framed.find("/../") != std::string::npos ||
        key.find_first_of("*?") != std::string::npos) {
      reader_.error(at, "'" + name + "'" + in_test() + " is no object",
                    "write bucket, '/', key: " +
                        (known.empty() ? std::string("landing") : known.front()) + "/a.csv");
      return std::nullopt;
    }
    if (find_entry(resolving_.entry.buckets, bucket) == nullptr) {
      reader_.error(at, "unknown bucket '" + bucket + "'" + in_test(),
                    known.empty() ? "declare it under buckets:" : suggestion(bucket, known));
      return std::nullopt;
    }
    return ObjectRef{BucketName(bucket), ObjectKey(key)};
  }

  void resolve_object(const Named<GivenObjectEntry>& entry) {
    const auto ref = object_ref(entry.name, entry.location);
    if (!ref) return;
    GivenObject given;
    given.object = *ref;
    given.location = entry.location;
    const CaseSubject about = subject("object '" + entry.name + "'");
    if (entry.value.file) given.file = resolve_case_file(*entry.value.file, about, reader_);
    if (entry.value.text) given.text = entry.value.text->value;
    if (whole_ && !pipelines_.empty()) {
      const Pipeline* pipeline = reader_of(*ref);
      if (pipeline == nullptr) return report_unread(entry);
      if (entry.value.rows) given.rows = object_rows(*entry.value.rows, *pipeline, about);
    }
    test_.objects.push_back(std::move(given));
  }

  /// The rows of an object in the columns of the step that reads it.
  std::vector<CaseRow> object_rows(const std::vector<Located<CaseRowEntry>>& rows,
                                   const Pipeline& pipeline, const CaseSubject& about) {
    std::vector<CaseColumn> columns;
    for (const ReadColumn& column : read_step(pipeline)->columns) {
      columns.push_back({column.name, column.type});
    }
    const LoadStep* load = load_step(pipeline);
    if (columns.empty() && load != nullptr) {
      const Table* table = resolving_.project.find_table(load->table);
      if (table == nullptr) {
        whole_ = false;
        return {};
      }
      for (const Column& column : table->columns) columns.push_back({column.name, column.type});
    }
    return resolve_case_rows(rows, columns, CaseValues::any, about, reader_);
  }

  void report_unread(const Named<GivenObjectEntry>& entry) {
    std::string patterns;
    for (const Pipeline* pipeline : pipelines_) {
      for (const Trigger& trigger : pipeline->triggers) {
        if (const auto* object = std::get_if<ObjectTrigger>(&trigger)) {
          patterns +=
              (patterns.empty() ? "" : ", ") + object->bucket.value() + "/" + object->pattern;
        }
      }
    }
    reader_.error(entry.location,
                  "no pipeline of test '" + entry_.name + "' reads '" + entry.name + "'",
                  patterns.empty() ? "remove it, or name the pipeline that does"
                                   : "its pipelines read " + patterns);
  }

  /// Null, and an error or a table that is not whole.
  const Table* table_of(const std::string& name, const Location& at) {
    if (find_entry(resolving_.entry.tables, name) == nullptr) {
      const std::vector<std::string> known = names_of(resolving_.entry.tables);
      reader_.error(at, "unknown table '" + name + "'" + in_test(),
                    known.empty() ? "declare it under tables:" : suggestion(name, known));
      return nullptr;
    }
    const Table* table = resolving_.project.find_table(TableName(name));
    whole_ = whole_ && table != nullptr;
    return table;
  }

  void resolve_given_table(const Named<CaseRowsEntry>& entry) {
    const Table* table = table_of(entry.name, entry.location);
    if (table == nullptr) return;
    const CaseSubject about = subject("table '" + entry.name + "'");
    GivenTable given{table->name, resolve_table_rows(entry.value, *table, about, reader_),
                     entry.location};
    if (entry.sound) check_given_rows(given.rows, *table, about, reader_);
    test_.tables.push_back(std::move(given));
  }

  void resolve_expectations() {
    const ExpectEntry& expect = entry_.value.expect;
    for (const auto& table : expect.tables) resolve_expected_table(table);
    if (expect.receipt) {
      for (const auto& named : expect.receipt->named) resolve_receipts(named);
    }
    if (expect.rejects) test_.rejects = resolve_members(*expect.rejects);
    if (expect.notices) {
      test_.notices = resolve_members(*expect.notices);
      check_notices(*test_.notices);
    }
    if (expect.error) test_.error = ExpectedText{expect.error->value, expect.error->location};
    const bool nothing = !expect.receipt && !expect.rejects && !expect.notices && !expect.error &&
                         expect.tables.empty();
    if (entry_.sound && nothing) {
      reader_.error(expect.location, "test '" + entry_.name + "' expects nothing",
                    "name a receipt, tables, rejects, notices or an error, e.g. receipt: {status: "
                    "succeeded}");
    }
  }

  static std::vector<ExpectedMembers> resolve_members(const std::vector<MembersEntry>& entries) {
    std::vector<ExpectedMembers> resolved;
    for (const MembersEntry& entry : entries) resolved.push_back({entry.members, entry.location});
    return resolved;
  }

  void check_notices(const std::vector<ExpectedMembers>& notices) {
    const std::vector<std::string> types = {"success", "failure", "rejects"};
    for (const ExpectedMembers& notice : notices) {
      for (const auto& [name, text] : notice.members) {
        if (name != "type" || std::find(types.begin(), types.end(), text) != types.end()) continue;
        reader_.error(notice.location, "unknown type '" + text + "' of a notice" + in_test(),
                      suggestion(text, types));
      }
    }
  }

  void resolve_expected_table(const Named<CaseRowsEntry>& entry) {
    const Table* table = table_of(entry.name, entry.location);
    if (table == nullptr) return;
    const CaseSubject about = subject("table '" + entry.name + "'");
    ExpectedTable expected;
    expected.table = table->name;
    expected.location = entry.location;
    expected.rows = resolve_table_rows(entry.value, *table, about, reader_);
    if (entry.sound) check_same_columns(expected.rows, about, reader_);
    for (const Located<std::string>& name : entry.value.only) {
      if (const Column* column = column_of(*table, name.value, name.location)) {
        expected.only.push_back(column->name);
      }
    }
    for (const Located<std::string>& order : entry.value.order_by) {
      constexpr std::string_view descending = " desc";
      std::string name = order.value;
      const bool turned = folded(name).ends_with(descending);
      if (turned) name.resize(name.size() - descending.size());
      if (const Column* column = column_of(*table, name, order.location)) {
        expected.order_by.push_back({column->name, turned});
      }
    }
    test_.expected_tables.push_back(std::move(expected));
  }

  const Column* column_of(const Table& table, const std::string& name, const Location& at) {
    for (const Column& column : table.columns) {
      if (folded(column.name) == folded(name)) return &column;
    }
    reader_.error(at,
                  "unknown column '" + name + "' of table '" + table.name.value() + "'" + in_test(),
                  suggestion(name, names_of(table.columns)));
    return nullptr;
  }

  void resolve_receipts(const Named<std::vector<ReceiptEntry>>& named) {
    ExpectedReceipts expected;
    expected.of = named.name;
    expected.location = named.location;
    for (const ReceiptEntry& entry : named.value) {
      ExpectedReceipt receipt;
      if (entry.status) receipt.status = entry.status->value;
      if (entry.rows) receipt.counts = entry.rows->counts;
      receipt.location = entry.location;
      expected.receipts.push_back(std::move(receipt));
    }
    test_.receipts.push_back(std::move(expected));
  }

  /// The names of the receipts the case will give, in order.
  std::vector<std::string> receipt_names() const {
    std::vector<std::string> names;
    for (const Pipeline* pipeline : pipelines_) {
      if (read_step(*pipeline) == nullptr) names.push_back(pipeline->name.value());
      for (const GivenObject& given : test_.objects) {
        if (reads(*pipeline, given.object)) names.push_back(given.object.to_string());
      }
    }
    return names;
  }

  void check_inputs() {
    for (const Pipeline* pipeline : pipelines_) {
      if (read_step(*pipeline) == nullptr) continue;
      const bool any =
          std::any_of(test_.objects.begin(), test_.objects.end(),
                      [&](const GivenObject& given) { return reads(*pipeline, given.object); });
      if (!any) {
        reader_.error(entry_.location,
                      "pipeline '" + pipeline->name.value() + "'" + in_test() +
                          " reads objects, and none is given",
                      "add given: {objects: {" + example_object(*pipeline) + ": {rows: […]}}}");
      }
    }
    const std::vector<std::string> names = receipt_names();
    for (const ExpectedReceipts& expected : test_.receipts) check_receipt_count(expected, names);
  }

  std::string example_object(const Pipeline& pipeline) const {
    for (const Trigger& trigger : pipeline.triggers) {
      if (const auto* object = std::get_if<ObjectTrigger>(&trigger)) {
        std::string key = object->pattern;
        std::replace(key.begin(), key.end(), '*', 'a');
        std::replace(key.begin(), key.end(), '?', 'a');
        return object->bucket.value() + "/" + key;
      }
    }
    return "BUCKET/KEY";
  }

  void check_receipt_count(const ExpectedReceipts& expected,
                           const std::vector<std::string>& names) {
    const auto made = size_t(std::count(names.begin(), names.end(), expected.of));
    if (!expected.of.empty() && made == 0) {
      std::vector<std::string> known = names;
      std::sort(known.begin(), known.end());
      known.erase(std::unique(known.begin(), known.end()), known.end());
      reader_.error(expected.location,
                    "test '" + entry_.name + "' makes no receipt of '" + expected.of + "'",
                    suggestion(expected.of, known));
      return;
    }
    const size_t total = expected.of.empty() ? names.size() : made;
    if (expected.receipts.size() == total || total == 0) return;
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
    const std::string of = expected.of.empty() ? "" : " of '" + expected.of + "'";
    reader_.error(expected.location,
                  "test '" + entry_.name + "' makes " + std::to_string(total) +
                      (total == 1 ? " receipt" : " receipts") + of + ", and expects " +
                      std::to_string(expected.receipts.size()),
                  expected.of.empty() && total > 1
                      ? "expect each by its name (" + list + "), or a list of all in this order"
                  : total == 1 ? std::string("write one")
                               : "write a list of " + std::to_string(total));
  }

  /// What derives from the clock is another every day.
  void check_clock() {
    if (test_.at) return;
    const auto uses_run = [](const Pipeline* pipeline) {
      return std::any_of(pipeline->steps.begin(), pipeline->steps.end(), [](const Step& step) {
        const auto* sql = std::get_if<SqlStep>(&step);
        return sql != nullptr && sql->sql.text.find("${run.") != std::string::npos;
      });
    };
    const auto found = std::find_if(pipelines_.begin(), pipelines_.end(), uses_run);
    if (found == pipelines_.end()) return;
    reader_.warning(entry_.location,
                    "test '" + entry_.name + "' runs pipeline '" + (*found)->name.value() +
                        "', which asks for the day, and does not say which it is",
                    "add at: 2026-11-20T00:05:00Z, say");
  }

  const Named<TestEntry>& entry_;
  Resolving& resolving_;
  Reader& reader_;
  TestCase test_;
  std::vector<const Pipeline*> pipelines_;
  bool whole_ = true;  // no part is missing for errors that are reported elsewhere
};

}  // namespace

void resolve_tests(Resolving& resolving) {
  for (const Named<TestEntry>& entry : resolving.entry.tests) TestCheck(entry, resolving).run();
}

}  // namespace weir::config
