#include "config/pipeline_entry.h"

namespace weir::config {
namespace {

/// A choice that has the word `null`, which YAML takes for its own null unless it is quoted.
template <class E>
Value<Located<E>> choice_with_null(std::vector<std::pair<std::string, E>> choices) {
  Value<Located<E>> out = choice_value(std::move(choices));
  text::Json words = out.outline.schema["enum"];
  out.outline.schema = text::Json::object().set("enum", words.push(text::Json()));
  out.read = [read = out.read](const YamlNode& node, Reader& reader) -> std::optional<Located<E>> {
    if (node.kind != YamlKind::null || node.scalar.empty()) return read(node, reader);
    YamlNode word = node;
    word.kind = YamlKind::scalar;
    word.scalar = "null";
    return read(word, reader);
  };
  return out;
}

}  // namespace

Value<Located<AbsentMeans>> absent_value() {
  return choice_with_null<AbsentMeans>({{"default", AbsentMeans::use_default},
                                        {"null", AbsentMeans::null},
                                        {"reject", AbsentMeans::reject}});
}

Value<Located<NullMeans>> null_value() {
  return choice_with_null<NullMeans>({{"null", NullMeans::null},
                                      {"default", NullMeans::use_default},
                                      {"reject", NullMeans::reject}});
}

Value<Located<EmptyMeans>> empty_value() {
  return choice_with_null<EmptyMeans>({{"text", EmptyMeans::text},
                                       {"null", EmptyMeans::null},
                                       {"default", EmptyMeans::use_default},
                                       {"reject", EmptyMeans::reject}});
}

Value<ReadColumnEntry> read_column_value() {
  const Value<ReadColumnEntry> full =
      Record<ReadColumnEntry>("source column",
                              "A column of the source. The short form is its type alone.")
          .required("type", &ReadColumnEntry::type, data_type_value(),
                    "The type its values are spelled in.", "varchar")
          .optional("absent", &ReadColumnEntry::absent, absent_value(),
                    "As `absent` of the read step, for this column.", "reject")
          .optional("null_means", &ReadColumnEntry::null, null_value(),
                    "As `null_means` of the read step, for this column.", "default")
          .optional("empty", &ReadColumnEntry::empty, empty_value(),
                    "As `empty` of the read step, for this column.", "reject")
          .value();
  return with_short_form<ReadColumnEntry, Located<DataType>>(
      full, data_type_value(),
      [](Located<DataType> type, const YamlNode&, Reader&) -> std::optional<ReadColumnEntry> {
        ReadColumnEntry column;
        column.type = std::move(type);
        return column;
      });
}

}  // namespace weir::config
