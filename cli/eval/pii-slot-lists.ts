/** `a|b|c` as a list. */
export const words = (list: string) => list.split('|')
/* What own sentences are filled with, written for this project. Titles and jobs: */
export const TITLES = words('Mr.|Mrs.|Ms.|Miss|Dr.|Mr|Mrs|Ms|Dr|Prof.|Professor|mr.|ms.|mrs.')
export const JOBS = words(
  'manager|engineer|accountant|teacher|nurse|designer|analyst|clerk|technician|operator|inspector|supervisor|assistant|consultant|trainer|planner|editor|surveyor|buyer|therapist|driver|mechanic|installer|repairer|assembler|cutter|librarian|scientist|programmer|coordinator|specialist|adviser|worker|attendant|guide|broker|painter|translator|dentist|architect|chemist|pharmacist|paramedic|curator|optician|veterinarian|photographer|geologist|economist|lawyer|judge|waiter|tailor|baker|carpenter|welder|pilot|dispatcher|controller|packer|sorter|farmworker|firefighter|actor|dancer|musician|chef|cook|plumber|electrician|roofer|receptionist|cashier|auditor|biologist|psychologist|counselor|interpreter|reporter|tutor|secretary|administrator|officer|agent|foreman|tester|grader|maker|setter|tender|feeder|fitter|dealer|croupier|barber|model|umpire|coach|usher|butcher|machinist|podiatrist|radiologist|surgeon|detective|bailiff|tiler|glazier|upholsterer|cobbler|jeweler|embalmer|florist|diver|sailor|logger|miner|fisher|trapper',
)
export const FIELDS = words(
  'sales|software|marketing|civil|electrical|payroll|human resources|quality control|data entry|medical|dental|primary school|nursery|railroad|bus|truck|crane|forklift|elevator|printing press|textile|shoe|furniture|food service|hotel desk|travel|insurance|loan|tax|property|real estate|plant|soil|forest|wildlife|marine|nuclear|petroleum|mining|aircraft|automotive|bicycle|camera|clock|computer hardware|network|database|security|customer service|call center|warehouse|shipping|mail|postal|court|legal|police|fire|prison|social|mental health|home care|physical|speech|respiratory|laboratory|museum|film|sound|lighting|stage|radio|television|news|fashion|interior|graphic|industrial|chemical|environmental|agricultural|fish hatchery|senior|junior|chief|assistant|deputy|head|lead|regional|general|executive|gaming table|parking lot|private|retail|wholesale|tool|die|glass|stone|sheet metal|X-ray|ultrasound|eye|hearing aid|orthopedic',
)
export const SUFFIXES = words(
  'Inc.|Inc|Ltd|Ltd.|LLC|PLC|Corp.|Corporation|Group|Holdings|GmbH|AG|SA|S.A.|Limited|Incorporated|and Sons|Company|Co.|SpA|BV|AB|AS|Oy',
)
export const FIRST_PARTS = words(
  'Blue|North|Open|Smart|Clear|Green|First|Bright|Next|True|Silver|Iron|Stone|River|Harbor|Summit|Apex|Nova|Terra|Aqua|Solar|Urban|Metro|Global|Pacific|Atlantic|National|Central|United|Golden|Rapid|Simple|Social|Health|Data|Cloud|Map|Trade|Credit|Capital|Legal|Energy|Water|Food|Home|Auto|Air|Sky|Star|Sun|Moon|Fire|Wave|Peak|Oak|Maple|Cedar|Falcon|Eagle|Wolf|Bear|Lion|Zen|Flux|Quant|Vector|Axis|Prime|Core|Link|Net|Geo|Bio|Info|Agri|Edu|Med|Farm|Job|Rent|Estate|Weather|Housing|Community|Consumer|American|Standard|Allied',
)
export const LAST_PARTS = words(
  'Analytics|Systems|Technologies|Solutions|Software|Research|Partners|Insurance|Bank|Consulting|Networks|Labs|Energy|Media|Foods|Motors|Airlines|Logistics|Health|Capital|Group|Institute|Foundation|Agency|Advisors|Records|Studios|Industries|Mutual|Financial|Brothers|Press|Services|Securities|Ventures|Data|Transit|Credit|Traffic|Research Group|Management|Exchange|Economics|Index|Explorer|Society|Lines|Robotics|Mobile|Interactive|Dynamics|Materials|Pharma|Telecom',
)
export const SYLLABLES = words(
  'an|ver|zo|li|qua|tec|nex|pra|ost|ium|ora|vi|sen|dra|mel|kor|fin|lu|xi|bra|tru|plo|gen|sy|mi|hu|wa|ec|ob|ra|ti|sta|lo|ka|ne|bo|cy|go|do|fy|ly|ify|ia|ero|eon',
)
export const NATIONS = words(
  'American|British|Canadian|Australian|French|German|Austrian|Swiss|Spanish|Portuguese|Italian|Greek|Turkish|Dutch|Belgian|Danish|Swedish|Norwegian|Finnish|Icelandic|Polish|Czech|Slovak|Slovenian|Hungarian|Romanian|Bulgarian|Serbian|Croatian|Bosnian|Albanian|Macedonian|Ukrainian|Russian|Belarusian|Estonian|Latvian|Lithuanian|Georgian|Armenian|Israeli|Arab|Egyptian|Moroccan|Tunisian|Nigerian|Kenyan|Ethiopian|South African|Indian|Pakistani|Chinese|Japanese|Korean|Vietnamese|Thai|Filipino|Indonesian|Malaysian|Mexican|Brazilian|Argentinian|Chilean|Peruvian|Cuban|Colombian|Irish|Scottish|Welsh|English|Jewish|Muslim|Christian|Catholic|Hindu|Buddhist|Sikh|Protestant|Republican|Democrat|Hispanic|Maltese|Cypriot|Mongolian|Iranian|Iraqi|Syrian|Lebanese|Kurdish|Basque|Catalan|Afghan|Tamil|Bengali|Tatar|Greenlandic|Hawaiian|Samoan|Maori',
)
export const STATES = words(
  'Texas|Ohio|Florida|California|Oregon|Nevada|Utah|Georgia|Virginia|Maine|Iowa|Kansas|Alaska|Michigan|New York|New Jersey|Ontario|Quebec|Bavaria|Saxony|Victoria|Queensland|Kent|Yorkshire|Catalonia|Tuscany|Tyrol',
)
export const CODES = words(
  'AL|AK|AZ|CA|CO|CT|FL|GA|IL|IN|KS|KY|LA|MA|MD|ME|MI|MN|MO|NC|NJ|NY|OH|OR|PA|TN|TX|UT|VA|WA|WI|BC|ON|QC|NSW|VIC|DE|FR|ES|IT|PL|SE|DK|FI|CZ|HU|AT|CH|BE|NL|PT|GR|IE|LT|LV|EE',
)
export const DAYS = words('Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday')
export const MONTHS = words('January|February|March|April|May|June|July|August|September|October|November|December')

/** Regions of ISO 3166. */
export const COUNTRIES =
  'US GB IE FR DE AT CH ES PT IT GR TR NL BE DK SE NO FI IS PL CZ SK SI HU RO BG RS HR UA RU EE LV LT GE IL EG MA TN NG KE ET ZA IN PK CN JP KR VN TH PH ID MY MX BR AR CL PE CU CO UY PY EC BO CA AU NZ GL CY MT LU GH SN ZM UG LK NP BD'.split(
    ' ',
  )
