-- Numbered formulas, references, pictures and boxes, for typst.

local formulas = dofile(pandoc.path.join({pandoc.path.directory(PANDOC_SCRIPT_FILE), "..", "formulas.lua"}))
local tags, headings, chapters, edition = {}, {}, {}, ""
local function on_sheet() return edition == "sheet" or edition == "key" end

local function typst_string(text)
  return '"' .. text:gsub("\\", "\\\\"):gsub('"', '\\"'):gsub("%s+", " ") .. '"'
end

-- What pandoc writes, with \; and \! as wide as they are (pandoc rounds them to whole numbers), with brackets and
-- norms that keep close to what they hold, with bars as fences (they are relations to typst, with space around), and
-- without the spaces at the ends of texts, to which typst adds its own.
local written_before = {}
local function typst_math(math)
  local key = math.mathtype .. math.text
  if written_before[key] then return written_before[key] end
  local written = (pandoc.write(pandoc.Pandoc({pandoc.Plain({math})}), "typst"):gsub("%s+$", ""))
  if not written:match("^%$.*%$$") then error("typst cannot set the formula " .. math.text) end
  written = written:gsub('upright%("%s*([^"]-)%s*"%)', 'upright("%1")')
  written = written:gsub("#h%(0em%)", "thick"):gsub("#h%(%-1em%)", "#h(-0.17em)")
  written = written:gsub("#scale%b()%[(\\[()])%]", "%1"):gsub("lr%(bar%.v%.double (.-) bar%.v%.double%)", "norm(%1)")
  written = written:gsub("%s*\\|%s*", "\1"):gsub("([%w)])\1", "%1 \1"):gsub("\1([%w.])", "\1 %1"):gsub("\1", "vert")
  written_before[key] = written
  return written
end

local function place_of(tag) return "equation-" .. tag end

local function typst_of(blocks)
  return (pandoc.write(pandoc.Pandoc(blocks), "typst"):gsub("%s+$", ""))
end

-- First pass: what can be referred to.
local function take_stock(document)
  edition = pandoc.utils.stringify(document.meta.edition or "")
  tags = formulas.tags_of(document)
  document:walk({
    Header = function(header)
      local chapter = header.level == 1 and pandoc.utils.stringify(header):match("^(%d)%. ")
      if chapter then chapters[chapter] = true end
      headings[pandoc.utils.stringify(header):gsub(" ", "-")] = header.identifier
    end,
  })
end

local function Header(header)
  local chapter = header.level == 1 and pandoc.utils.stringify(header):match("^(%d)%. ")
  if chapter then header.identifier = "notebook-" .. chapter end
  return header
end

local function Math(math)
  local tex, tag = formulas.without_tag(math.text)
  math.text = formulas.with_gaps(tex):gsub("\\begin{cases}.-\\end{cases}", function(cases)
    return (cases:gsub("([^\\])&", "%1&\\quad "))
  end)
  local written, alt = typst_math(math), typst_string(tex)
  if math.mathtype == "InlineMath" then
    return pandoc.RawInline("typst", "#formula(" .. alt .. ", " .. written .. ")")
  end
  local number = tag and typst_string(tag) or "none"
  return pandoc.RawInline("typst", "#equation(" .. number .. ", " .. alt .. ", " .. written .. ")")
end

local function Str(str)
  if str.text == "☒" and edition == "sheet" then return pandoc.Str("☐") end
  return formulas.with_link(str, tags, place_of)
end

-- What is to be written into a table (.key) or a line (.gap): the answer in the key, room on the sheet.
local function Span(span)
  local gap = span.classes:includes("gap")
  if not gap and not span.classes:includes("key") then return end
  if edition == "key" and #span.content > 0 then
    return pandoc.RawInline("typst", "#answer[" .. typst_of({pandoc.Plain(span.content)}) .. "]")
  end
  return gap and pandoc.RawInline("typst", "#blank;") or {}
end

-- What would begin a list or a heading in typst.
local function Inlines(inlines)
  local first = inlines[1]
  if first and first.t == "Str" and (first.text:match("^%d+%.$") or first.text:match("^[-+=/]$")) then
    inlines[1] = pandoc.RawInline("typst", (first.text:gsub("[-+=/.]", "\\%0")))
    return inlines
  end
end

-- A link to a notebook leads to its chapter; where the document has no such chapter, it is text. Titles are in italics.
local function Link(link)
  local chapter = link.target:match("^0(%d)_[%w_]+%.ipynb$")
  local heading = link.target:match("^#(.*)$")
  if chapter and pandoc.utils.stringify(link):match("^%d%. ") then link.content = {pandoc.Emph(link.content)} end
  if chapter and chapters[chapter] then
    link.target = "#notebook-" .. chapter
  elseif chapter or link.target:match("^%.%./docs/") then
    return link.content
  elseif heading and headings[heading] then
    link.target = "#" .. headings[heading]
  elseif not link.target:match("^https://") and not link.target:match("^#equation%-") then
    error("a link leads nowhere: " .. link.target)
  end
  return link
end

local function Figure(figure)
  local image = figure.content[1].content[1]
  local alt = typst_string(pandoc.utils.stringify(image.caption))
  local caption = typst_of(figure.caption.long)
  return pandoc.RawBlock("typst", "#picture(" .. typst_string(image.src) .. ", " .. alt .. ")[" .. caption .. "]")
end

local function cells_of(rows)
  local blocks = pandoc.Blocks({})
  for _, row in ipairs(rows) do
    for _, cell in ipairs(row.cells) do blocks:extend(cell.contents) end
  end
  return blocks
end

-- On a sheet a table is as wide as the page, and columns without a word in them have room to write; so they have in
-- the key, whose answers do not count.
local function with_room(table)
  local wanted, all = {}, 0
  for number = 1, #table.colspecs do
    local longest, boxes = 0, false
    for _, row in ipairs(table.bodies[1].body) do
      local cell = row.cells[number]
      local text = pandoc.utils.stringify(cell.contents)
      local more, answered = 0, false
      cell.contents:walk({Code = function(found) more = more + 0.5 * utf8.len(found.text) end,
                          RawInline = function(raw)
                            answered = answered or raw.text:match("^#answer") ~= nil
                            more = more + (raw.text:match("^#answer") and 0 or 8)
                          end})
      longest, boxes = math.max(longest, utf8.len(text) + more), boxes or text == "☐" or text == "☒"
      if text == "" and more == 0 and not answered then
        cell.contents = {pandoc.Plain({pandoc.RawInline("typst", "#box(height: 1.2em)")})}
      end
    end
    local head = utf8.len(pandoc.utils.stringify(table.head.rows[1] and table.head.rows[1].cells[number].contents or {}))
    local empty = number == #table.colspecs and 30 or math.max(head, 12)
    local room = longest == 0 and empty or boxes and math.min(head, 16) or math.min(longest, 60)
    wanted[number] = math.max(room, math.min(head, 12), 5) + 3
    all = all + wanted[number]
  end
  for number, column in ipairs(table.colspecs) do column[2] = wanted[number] / all end
end

-- Every column as wide as what stands in it, rather than as the dashes under its head. A head without words is left
-- out, one with words is bold; short tables stay on one page.
local function Table(table)
  if pandoc.utils.stringify(pandoc.Div(cells_of(table.head.rows))) == "" then table.head.rows = {} end
  for _, column in ipairs(table.colspecs) do column[2] = nil end
  if on_sheet() then with_room(table) end
  for _, row in ipairs(table.head.rows) do
    for _, cell in ipairs(row.cells) do
      cell.contents = cell.contents:walk({
        Plain = function(plain) return pandoc.Plain({pandoc.Strong(plain.content)}) end})
    end
  end
  if #table.bodies[1].body > (on_sheet() and 7 or 6) then return table end
  return {pandoc.RawBlock("typst", "#block(breakable: false, width: 100%)["), table, pandoc.RawBlock("typst", "]")}
end

local function Div(div)
  local lines = div.attributes.lines and "(" .. div.attributes.lines .. ")" or ""
  local blocks = pandoc.Blocks({pandoc.RawBlock("typst", "#" .. div.classes[1] .. "-box" .. lines .. "[")})
  if div.classes[1] == "solution" or div.classes[1] == "difficulties" then  -- their label keeps to what follows
    blocks:extend({pandoc.RawBlock("typst", "#block(sticky: true)["), div.content:remove(1), pandoc.RawBlock("typst", "]")})
  end
  blocks:extend(div.content)
  blocks:insert(pandoc.RawBlock("typst", "]"))
  return blocks
end

-- A question stays with the room for its answer, or with the answers to choose from.
local function Blocks(blocks)
  for number = #blocks - 1, 1, -1 do
    local question, room = blocks[number], blocks[number + 1]
    local written = room.t == "Div" and room.classes:includes("write") or on_sheet() and room.t == "Table"
    if question.t == "Para" and written then
      blocks[number] = pandoc.Div({question, room}, {class = "keep"})
      blocks:remove(number + 1)
    elseif question.t == "Para" and pandoc.utils.stringify(question):match("☐") then
      blocks[number] = pandoc.Div({question}, {class = "keep"})
    end
  end
  return blocks
end

return {
  {Pandoc = take_stock},
  {Blocks = Blocks},
  {Header = Header, Link = Link, Math = Math},
  {Str = Str, Span = Span},
  {Figure = Figure, Div = Div, Table = Table},
  {Inlines = Inlines},
}
