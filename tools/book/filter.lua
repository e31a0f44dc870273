-- What pandoc's HTML lacks: numbered formulas and references to them, bars as fences, links from page to page.

local formulas = dofile(pandoc.path.join({pandoc.path.directory(PANDOC_SCRIPT_FILE), "..", "formulas.lua"}))
local tags, headings = {}, {}

-- Bars in pairs are fences: alone, pandoc takes a bar for the beginning of something, and + after it for a sign.
local function with_fences(tex)
  return (tex:gsub("\\|", "\1"):gsub("|([^|&\n]-)|", "\\lvert %1\\rvert "):gsub("\1", "\\|"))
end

local function place_of(tag) return "equation-" .. tag:gsub("%.", "-") end

-- First pass: what can be referred to.
local function take_stock(document)
  tags = formulas.tags_of(document)
  document:walk({
    Header = function(header) headings[pandoc.utils.stringify(header):gsub(" ", "-")] = header.identifier end,
  })
end

local function Math(math)
  local tex, tag = formulas.without_tag(math.text)
  math.text = with_fences(formulas.with_gaps(tex))
  if math.mathtype == "InlineMath" then return math end
  local inlines = {pandoc.Span({math}, {class = "formula"})}
  if tag then inlines[2] = pandoc.Span({pandoc.RawInline("html", "(" .. tag .. ")")}, {class = "number"}) end
  return pandoc.Span(inlines, {class = "equation", id = tag and place_of(tag) or ""})
end

local function Str(str) return formulas.with_link(str, tags, place_of) end

-- A link to a notebook leads to its page; where there is no page, the words stay. Titles of notebooks are in italics.
local function Link(link)
  local number, name, place = link.target:match("^[%l./]*0(%d)(_[%w_]+)%.ipynb#?(.*)$")
  local heading = link.target:match("^#(.*)$")
  if number then
    if pandoc.utils.stringify(link):match("^%d%. ") then link.content = {pandoc.Emph(link.content)} end
    link.target = (number == "0" and "index" or "0" .. number .. name) .. ".html" .. place:gsub("^.", "#%0"):lower()
  elseif heading and headings[heading] then
    link.target = "#" .. headings[heading]
  elseif heading and not link.target:match("^#equation%-") then
    error("a link leads nowhere: " .. link.target)
  elseif not heading and not link.target:match("^https://") and not link.target:match("^[%w-]+%.html$") then
    return link.content
  end
  return link
end

-- Every column as wide as what stands in it, rather than as the dashes under its head; a head without words is left out.
local function Table(table)
  local words = {}
  for _, row in ipairs(table.head.rows) do
    for _, cell in ipairs(row.cells) do words[#words + 1] = pandoc.utils.stringify(cell.contents) end
  end
  if table.head.rows[1] and #pandoc.utils.stringify(words) == 0 then table.head.rows = {} end
  for _, column in ipairs(table.colspecs) do column[2] = nil end
  return table
end

local function Header(header)
  if header.level == 1 then header.identifier = "" end
  return header
end

return {{Pandoc = take_stock}, {Header = Header, Link = Link, Math = Math, Table = Table}, {Str = Str}}
