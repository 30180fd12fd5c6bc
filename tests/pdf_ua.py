"""Holds PDFs against the rules of PDF/UA-1 that a program can tell, one by one, read with pikepdf.

python3 tests/pdf_ua.py PDF ...    exit status 1: a rule is broken; 77: pikepdf is not installed
"""

import re
import sys

try:
    import pikepdf
    from pikepdf import Array, Dictionary, Name
except ImportError:
    sys.exit(77)

STANDARD = set(
    "Document Part Art Sect Div BlockQuote Caption TOC TOCI Index NonStruct Private P H H1 H2 H3 H4 H5 H6 L LI Lbl LBody Table TR TH TD"
    " THead TBody TFoot Span Quote Note Reference BibEntry Code Link Annot Ruby Warichu Figure Formula Form".split()
)
# What may stand where.
PARENTS = {
    "TR": {"Table", "THead", "TBody", "TFoot"}, "TH": {"TR"}, "TD": {"TR"}, "THead": {"Table"}, "TBody": {"Table"}, "TFoot": {"Table"},
    "LI": {"L"}, "Lbl": {"LI", "Note", "TOCI", "P"}, "LBody": {"LI"}, "TOCI": {"TOC"},
}
CHILDREN = {
    "Table": {"TR", "THead", "TBody", "TFoot", "Caption"}, "THead": {"TR"}, "TBody": {"TR"}, "TR": {"TH", "TD"},
    "L": {"LI", "L", "Caption"}, "LI": {"Lbl", "LBody"},
}
PAINTS = {"Tj", "TJ", "'", '"', "f", "F", "f*", "S", "s", "B", "B*", "b", "b*", "Do", "sh"}


class Judge:
    def __init__(self, path):
        self.pdf = pikepdf.open(path)
        self.broken = set()
        self.headings = []
        self.notes = set()

    def hold(self, kept, rule):
        if not kept:
            self.broken.add(rule)

    def whole(self):
        root = self.pdf.Root
        xmp = root.Metadata.read_bytes().decode() if "/Metadata" in root else ""
        self.hold(re.search(r'pdfuaid:part(>|=")1', xmp), "the metadata names PDF/UA-1")
        self.hold("dc:title" in xmp, "the metadata has a title")
        self.hold(root.get("/ViewerPreferences", {}).get("/DisplayDocTitle") == True, "the window shows the title")  # noqa: E712
        self.hold(root.get("/MarkInfo", {}).get("/Marked") == True, "the document is marked as tagged")  # noqa: E712
        self.hold(root.get("/MarkInfo", {}).get("/Suspects", False) != True, "no tag is suspect")  # noqa: E712
        self.hold(root.get("/Lang"), "the document has a language")
        self.hold("/AcroForm" not in root or "/XFA" not in root.AcroForm, "there is no XFA form")
        self.hold("/StructTreeRoot" in root, "there is a tree of tags")
        if "/StructTreeRoot" not in root:
            return
        tree = root.StructTreeRoot
        self.roles = tree.get("/RoleMap", Dictionary())
        for name in self.roles.keys():
            self.hold(str(name)[1:] not in STANDARD, "no standard tag is mapped to another")
        self.tags(tree.K, "root")
        self.hold(self.headings[:1] == [1], "the first heading is of level 1")
        for before, after in zip(self.headings, self.headings[1:]):
            self.hold(after <= before + 1, f"no level of headings is skipped (H{before}, H{after})")
        for number, page in enumerate(self.pdf.pages, 1):
            self.page(number, page)

    def role(self, tag):
        name = str(tag)[1:]
        for _ in range(9):
            if name in STANDARD or "/" + name not in self.roles:
                break
            name = str(self.roles["/" + name])[1:]
        return name

    def tags(self, element, parent):
        if isinstance(element, Array):
            for child in element:
                self.tags(child, parent)
        if not isinstance(element, Dictionary) or "/S" not in element:
            return
        tag = self.role(element.S)
        self.hold(tag in STANDARD, f"{tag} is a standard tag")
        if re.fullmatch("H[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag in ("Figure", "Formula"):
            self.hold(str(element.get("/Alt", "")) or str(element.get("/ActualText", "")), f"a {tag} has words in its place")
        if tag == "TH":
            said = element.get("/A", [])
            said = [said] if isinstance(said, Dictionary) else list(said)
            self.hold(any("/Scope" in one for one in said) or "/ID" in element, "a heading of a table says what it heads")
        if tag == "Note":
            self.hold("/ID" in element and str(element.ID) not in self.notes, "a note has an id of its own")
            self.notes.add(str(element.get("/ID", "")))
        if tag in PARENTS:
            self.hold(parent in PARENTS[tag], f"no {tag} stands in {parent}")
        children = element.get("/K", [])
        for child in [children] if isinstance(children, Dictionary) else list(children):
            if tag in CHILDREN and isinstance(child, Dictionary) and "/S" in child:
                self.hold(self.role(child.S) in CHILDREN[tag], f"no {self.role(child.S)} stands directly in {tag}")
        if "/K" in element:
            self.tags(element.K, tag)

    def page(self, number, page):
        self.hold("/StructParents" in page, f"page {number}: its contents are tied to the tags")
        annotations = list(page.get("/Annots", []))
        self.hold(not annotations or page.get("/Tabs") == Name.S, f"page {number}: the tab key follows the tags")
        for annotation in annotations:
            if annotation.get("/Subtype") == Name.Link:
                self.hold("/Contents" in annotation, f"page {number}: a link says where it leads")
                self.hold("/StructParent" in annotation, f"page {number}: a link is tied to the tags")
        self.fonts(page.Resources)
        marked = 0
        for instruction in pikepdf.parse_content_stream(page):
            operator = str(instruction.operator)
            if operator in ("BDC", "BMC"):
                marked += 1
            elif operator == "EMC":
                marked -= 1
            elif operator in PAINTS:
                self.hold(marked > 0, f"page {number}: all that is painted is tagged or an artifact")

    def fonts(self, resources, depth=0):
        for font in (resources.get("/Font", {}) or {}).values():
            name = str(font.get("/BaseFont", ""))
            inner = font.get("/DescendantFonts", [font])[0]
            self.hold("/ToUnicode" in font, f"{name} says what its signs are")
            if font.get("/Subtype") == Name.Type3:
                continue
            described = inner.get("/FontDescriptor", {})
            self.hold(any(key in described for key in ("/FontFile", "/FontFile2", "/FontFile3")), f"{name} is embedded")
            if inner.get("/Subtype") == Name.CIDFontType2:
                self.hold("/CIDToGIDMap" in inner, f"{name} maps its signs")
        for part in (resources.get("/XObject", {}) or {}).values():
            if part.get("/Subtype") == Name.Form:
                self.hold("/Ref" not in part, "nothing is taken from another file")
                if depth < 5 and "/Resources" in part:
                    self.fonts(part.Resources, depth + 1)


def main():
    failed = False
    for path in sys.argv[1:]:
        judge = Judge(path)
        judge.whole()
        failed = failed or bool(judge.broken)
        for rule in sorted(judge.broken):
            print(f"{path}: broken: {rule}")
    sys.exit(1 if failed else 0)


main()
