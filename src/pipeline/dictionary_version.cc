#include "pipeline/dictionary_version.h"

#include "crypto/digest.h"

namespace weir::pipeline {
namespace {

/// Texts one after the other, so that no two lists of texts give the same bytes.
class Words {
 public:
  void add(std::string_view word) {
    text_ += std::to_string(word.size());
    text_ += ':';
    text_ += word;
  }
  void add(const std::vector<std::string>& words) {
    add(std::to_string(words.size()));
    for (const std::string& word : words) add(std::string_view(word));
  }
  void add(const std::vector<NamedColumn>& columns) {
    add(std::ssize(columns));
    for (const NamedColumn& column : columns) add(std::string_view(column.name));
  }
  void add(int64_t number) { add(std::string_view(std::to_string(number))); }
  void add(const std::vector<SelectItem>& items) {
    add(std::ssize(items));
    for (const SelectItem& item : items) {
      add(std::string_view(item.name));
      add(std::string_view(item.expression.text));
    }
  }
  std::string digest() const {
    constexpr size_t length = 8;
    return crypto::to_hex(crypto::sha256(text_)).substr(0, length);
  }

 private:
  std::string text_;
};

/// One call per kind of step; a step the build does not run is its name.
struct StepWords {
  Words& words;

  void add(const MissingValues& missing) const {
    words.add(static_cast<int64_t>(missing.absent));
    words.add(static_cast<int64_t>(missing.null));
    words.add(static_cast<int64_t>(missing.empty));
    words.add(int64_t{missing.may_lack});
  }

  void operator()(const ReadStep& step) const {
    words.add("read");
    words.add(to_string(step.format));
    words.add(static_cast<int64_t>(step.layout));
    const CsvDialect& csv = step.csv;
    words.add(int64_t{csv.header});
    words.add(std::string{csv.delimiter, csv.quote, csv.escape});
    words.add(std::string_view(csv.null_text));
    words.add(int64_t{csv.skip_lines});
    for (const ReadColumn& column : step.columns) {
      words.add(std::string_view(column.name));
      words.add(std::string_view(column.type.to_string()));
      add(column.missing);
    }
    add(step.missing);
  }
  void operator()(const SelectStep& step) const {
    words.add("select");
    words.add(step.items);
  }
  void operator()(const WhereStep& step) const {
    words.add("where");
    words.add(std::string_view(step.predicate.text));
  }
  void operator()(const UnnestStep& step) const {
    words.add("unnest");
    words.add(std::vector{step.column.name, step.as});
    words.add(int64_t{step.keep_empty});
  }
  void operator()(const DedupeStep& step) const {
    words.add("dedupe");
    words.add(step.by);
    words.add(static_cast<int64_t>(step.keep));
    words.add(std::string_view(step.order_by.text));
  }
  void operator()(const AggregateStep& step) const {
    words.add("aggregate");
    words.add(step.by);
    words.add(step.items);
  }
  void operator()(const CheckStep& step) const {
    words.add("check");
    words.add(step.rules);
  }
  void operator()(const SqlStep& step) const {
    words.add("sql");
    words.add(std::string_view(step.sql.text));
  }
  void operator()(const LoadStep& step) const {
    words.add("load");
    words.add(to_string(step.mode));
  }
  // Which rows come of an input is not theirs to say.
  void operator()(const DownloadStep&) const {}
  void operator()(const NotifyStep&) const {}
  void operator()(const LaterStep& step) const { words.add(std::string_view(step.kind)); }
};

}  // namespace

std::string dictionary_version(const Table& table, const Pipeline& pipeline) {
  Words contract;
  for (const Column& column : table.columns) {
    contract.add(std::string_view(column.name));
    contract.add(std::string_view(column.type.to_string()));
    contract.add(std::ssize(column.rules));
    for (const Rule& rule : column.rules) contract.add(std::string_view(rule.text));
  }
  contract.add(table.key);
  Words steps;
  for (const Step& step : pipeline.steps) std::visit(StepWords{steps}, step);
  return contract.digest() + "-" + steps.digest();
}

std::string_view steps_version(std::string_view dictionary_version) {
  const size_t dash = dictionary_version.find('-');
  return dash == std::string_view::npos ? "" : dictionary_version.substr(dash + 1);
}

}  // namespace weir::pipeline
