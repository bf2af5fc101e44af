// Arrays of one dimension, in both formats.
#include "postgres/type_table.h"
#include "postgres/values_format.h"

namespace freshet::postgres {

namespace {

constexpr auto ok = ValueFault::None;
constexpr auto malformed = ValueFault::Malformed;

// The elements of one list while they arrive; what was appended is taken back unless kept.
class ListBuilder {
 public:
  explicit ListBuilder(Column& list) : list_(list), begin_(list.child().size()) {}

  Column& elements() { return list_.child(); }
  ValueFault keep() {
    list_.append(ListRef{begin_, elements().size() - begin_});
    return ok;
  }
  ValueFault take_back(ValueFault fault) {
    elements().drop_to(begin_);
    return fault;
  }

 private:
  Column& list_;
  std::size_t begin_;
};

ValueFault read_elements(ByteReader& reader, std::int32_t count, std::uint32_t element_oid,
                         Column& elements, Arena& arena) {
  const ValueDecoder::Function append = binary_function(element_oid, elements.type());
  for (std::int32_t i = 0; i < count; ++i) {
    const auto size = reader.big<std::int32_t>();
    if (!reader.ok() || size < -1) return malformed;
    if (size == -1) {
      elements.append_null();
      continue;
    }
    const Bytes element = reader.bytes(static_cast<std::size_t>(size));
    if (!reader.ok()) return malformed;
    const ValueFault fault = append(elements, element_oid, element, arena);
    if (fault != ok) return fault;
  }
  return reader.at_end() ? ok : malformed;
}

// One element of an array's text, ended by `,` or `}`, which is left in `rest`.
struct TextElement {
  ValueFault fault = ok;
  bool null = false;
  std::string_view text{};
};

TextElement quoted_element(std::string_view& rest, Arena& arena) {
  rest.remove_prefix(1);
  const std::size_t end_plain = rest.find_first_of("\"\\");
  if (end_plain == std::string_view::npos) return {malformed};
  if (rest[end_plain] == '"') {  // nothing escaped: no copy
    const std::string_view text = rest.substr(0, end_plain);
    rest.remove_prefix(end_plain + 1);
    return {ok, false, text};
  }
  char* const text = arena.allocate(rest.size());
  std::size_t size = 0;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      rest.remove_prefix(i + 1);
      return {ok, false, {text, size}};
    }
    if (rest[i] == '\\') ++i;
    if (i == rest.size()) break;
    text[size++] = rest[i];
  }
  return {malformed};
}

TextElement next_element(std::string_view& rest, Arena& arena) {
  if (rest.empty()) return {malformed};
  if (rest.front() == '{') return {ValueFault::Dimensions};
  if (rest.front() == '"') return quoted_element(rest, arena);
  const std::size_t end = rest.find_first_of(",}");
  if (end == std::string_view::npos || end == 0) return {malformed};
  const std::string_view text = rest.substr(0, end);
  if (text.find_first_of("{\"\\") != std::string_view::npos) return {malformed};
  rest.remove_prefix(end);
  return {ok, text == "NULL", text};
}

ValueFault parse_elements(std::string_view rest, std::uint32_t element_oid, Column& elements,
                          Arena& arena) {
  const ValueDecoder::Function append = text_function(element_oid, elements.type());
  while (true) {
    const TextElement element = next_element(rest, arena);
    if (element.fault != ok) return element.fault;
    ValueFault fault = ok;
    if (element.null) {
      elements.append_null();
    } else {
      fault = append(elements, element_oid, as_bytes(element.text), arena);
    }
    if (fault != ok) return fault;
    if (rest == "}") return ok;
    if (rest.empty() || rest.front() != ',') return malformed;
    rest.remove_prefix(1);
  }
}

// Zero for an array whose elements we know as text only.
std::uint32_t element_oid_of(std::uint32_t array_oid) {
  const KnownType* const known = known_type(array_oid);
  return known != nullptr && known->array_oid == array_oid ? known->type_oid : 0;
}

}  // namespace

// int32 dimensions, int32 has nulls, oid of the elements; per dimension int32 size, int32 first
// index; the elements, each behind its length, -1 for null.
ValueFault append_binary_array(Column& column, std::uint32_t type_oid, Bytes value, Arena& arena) {
  ByteReader reader(value);
  const auto dimensions = reader.big<std::int32_t>();
  const auto has_nulls = reader.big<std::int32_t>();
  const auto element_oid = reader.big<std::uint32_t>();
  if (!reader.ok() || has_nulls < 0 || has_nulls > 1) return malformed;
  // Of an array of a domain they are of the domain.
  constexpr std::uint32_t first_of_users = 16'384;
  if (element_oid != element_oid_of(type_oid) && element_oid < first_of_users) return malformed;
  ListBuilder list(column);
  if (dimensions == 0) return reader.at_end() ? list.keep() : malformed;
  constexpr std::int32_t dimensions_max = 6;  // PostgreSQL's own limit
  if (dimensions < 0 || dimensions > dimensions_max) return malformed;
  if (dimensions > 1) return ValueFault::Dimensions;
  const auto count = reader.big<std::int32_t>();
  const auto first_index = reader.big<std::int32_t>();
  if (!reader.ok() || count < 1) return malformed;
  if (first_index != 1) return ValueFault::LowerBound;
  const ValueFault fault =
      read_elements(reader, count, element_oid_of(type_oid), list.elements(), arena);
  return fault == ok ? list.keep() : list.take_back(fault);
}

// {1,NULL,"a \"quoted\" one"}; [0:1]={…} when it does not start at 1.
ValueFault append_text_array(Column& column, std::uint32_t type_oid, Bytes value, Arena& arena) {
  std::string_view text = as_text(value);
  if (text.starts_with('[')) {
    return text.find("][") == std::string_view::npos ? ValueFault::LowerBound
                                                     : ValueFault::Dimensions;
  }
  ListBuilder list(column);
  if (text == "{}") return list.keep();
  if (!text.starts_with('{')) return malformed;
  text.remove_prefix(1);
  const ValueFault fault = parse_elements(text, element_oid_of(type_oid), list.elements(), arena);
  return fault == ok ? list.keep() : list.take_back(fault);
}

}  // namespace freshet::postgres
