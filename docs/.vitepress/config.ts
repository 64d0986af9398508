import { copyFileSync, mkdirSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type DefaultTheme, defineConfig, type MarkdownOptions } from 'vitepress'
import { anchorOf, filesFolder, isRelative, resolveLink } from '../../build/site/links.ts'
import { bar, type Entry, more, type Section, sections, sectionsInFrench } from '../../build/site/navigation.ts'
import { sitePages } from '../../build/site/pages.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const pages = sitePages(root)
const sources = new Map([...pages].map(([file, page]) => [page, file]))
/** Files that pages link to and that are no pages, as they were found while the pages were made. */
const linkedFiles = new Set<string>()

/**
 * The search sorts pages into languages by where their files lie, which here are all in docs/: one index holds everything, and
 * is searched from French pages as well.
 */
const oneSearchForAllLanguages = {
  name: 'one-search-for-all-languages',
  transform: (code: string, id: string) =>
    id === '/@localSearchIndex' ? code.replace(/("root": )([^,}]+)/, '$1$2,"fr": $2') : undefined,
}

/**
 * `npm run docs`: a site of docs/ and of the pages that lie beside the code, each a plain Markdown file whose relative links
 * serve a code host as well. SG_DOCS_BASE is the path it is served under.
 */
export default defineConfig({
  srcDir: '..',
  outDir: '../out/docs',
  cacheDir: '../out/docs-cache',
  base: process.env['SG_DOCS_BASE'] ?? '/',
  // Whatever else is Markdown in the repository.
  srcExclude: ['dist/**', 'out/**', 'test-results/**', 'test/!(fuzz)/**', '.*/**'],
  rewrites: Object.fromEntries(pages),
  title: 'sg-session',
  description: 'Signs an artist in to ShotGrid once a day and serves the session to every local tool.',
  lang: 'en-GB',
  // No other host is asked for anything: no web fonts, no analytics, no code host.
  head: [
    [
      'link',
      {
        rel: 'icon',
        type: 'image/svg+xml',
        href: `${process.env['SG_DOCS_BASE'] ?? '/'}${filesFolder}/build/icons/app.svg`,
      },
    ],
  ],
  // The pages lie on this machine or near it: what is not read need not be loaded.
  router: { prefetchLinks: false },
  vite: { plugins: [oneSearchForAllLanguages], publicDir: false, build: { chunkSizeWarningLimit: 2000 } },
  markdown: {
    anchor: { slugify: anchorOf },
    // The conversations in PROTOCOL.md, which a test holds with an agent.
    languageAlias: { protocol: 'json' },
    // `{…}` at the end of a line is text here, as on a code host.
    attrs: { disable: true },
    config: relinkPages,
  },
  // A page of plain Markdown on a code host; here without a sidebar, and shaped by theme/home.css.
  transformPageData: (page) =>
    page.relativePath === 'index.md'
      ? {
          titleTemplate: 'one sign-in a day',
          frontmatter: {
            ...page.frontmatter,
            pageClass: 'home',
            sidebar: false,
            aside: false,
            prev: false,
            next: false,
          },
        }
      : {},
  buildEnd: ({ outDir }) => {
    for (const file of [...linkedFiles, 'build/icons/app.svg']) {
      const copy = join(outDir, filesFolder, file)
      mkdirSync(dirname(copy), { recursive: true })
      copyFileSync(join(root, file), copy)
    }
  },
  themeConfig: {
    i18nRouting: false,
    search: { provider: 'local', options: { locales: { fr: { translations: frenchSearch() } } } },
    outline: { level: [2, 3], label: 'On this page' },
    externalLinkIcon: true,
  },
  locales: {
    root: {
      label: 'English',
      lang: 'en-GB',
      themeConfig: {
        nav: [...bar.map(navEntry), { text: 'More', items: more.map(navEntry) }],
        sidebar: sections.map((section) => sidebarGroup(section, sections)),
        footer: { message: 'Apache-2.0' },
      },
    },
    fr: {
      label: 'Français',
      lang: 'fr',
      link: addressOf('docs/artists.fr.md'),
      description:
        'Connecte un artiste à ShotGrid une fois par jour et met la session à la disposition de chaque outil local.',
      themeConfig: {
        nav: [navEntry(['Artistes', 'docs/artists.fr.md']), navEntry(['Tout le reste, en anglais', 'docs/index.md'])],
        sidebar: sectionsInFrench.map((section) => sidebarGroup(section, sectionsInFrench)),
        footer: { message: 'Apache-2.0' },
        outline: { level: [2, 3], label: 'Sur cette page' },
        docFooter: { prev: 'Page précédente', next: 'Page suivante' },
        darkModeSwitchLabel: 'Apparence',
        lightModeSwitchTitle: 'Passer au thème clair',
        darkModeSwitchTitle: 'Passer au thème sombre',
        sidebarMenuLabel: 'Menu',
        returnToTopLabel: 'Retour en haut',
        langMenuLabel: 'Changer de langue',
        skipToContentLabel: 'Aller au contenu',
        notFound: {
          title: 'Page introuvable',
          quote: 'Il n’y a pas de page à cette adresse.',
          linkLabel: 'Aller à la première page',
          linkText: 'Première page',
        },
      },
    },
  },
})

type MarkdownRenderer = Parameters<NonNullable<MarkdownOptions['config']>>[0]

/** Makes the links between files of the repository links between pages of the site. */
function relinkPages(md: MarkdownRenderer): void {
  md.core.ruler.push('relink-pages', ({ tokens, env }) => {
    const source = sourceOf(env)
    for (const token of tokens.flatMap((block) => block.children ?? [])) {
      const target = token.type === 'link_open' ? String(token.attrGet('href') ?? '') : ''
      if (!isRelative(target)) continue
      const destination = resolveLink(root, pages, source, target)
      if ('page' in destination) token.attrSet('href', `/${destination.page}${destination.anchor}`)
      else {
        linkedFiles.add(destination.file)
        token.attrSet('href', `${process.env['SG_DOCS_BASE'] ?? '/'}${filesFolder}/${destination.file}`)
        // Not for the site's own router, which knows pages only.
        token.attrSet('target', '_self')
      }
    }
  })
}

/** The file of the page that is being rendered; the search names it as it is called in the site. */
function sourceOf(env: { readonly realPath?: string; readonly path?: string; readonly relativePath: string }): string {
  const known = [env.realPath, env.path].flatMap((path) =>
    path === undefined ? [] : [relative(root, path).split(sep).join('/')],
  )
  const source = known.find((file) => pages.has(file)) ?? sources.get(env.relativePath)
  if (source === undefined) throw new Error(`"${env.relativePath}" is no page of build/site/pages.ts`)
  return source
}

function addressOf(file: string): string {
  const page = pages.get(file)
  if (page === undefined) throw new Error(`"${file}" in build/site/navigation.ts is no page`)
  return `/${page.replace(/(^|\/)index\.md$/, '$1').replace(/\.md$/, '')}`
}

function navEntry([text, file]: Entry): DefaultTheme.NavItemWithLink {
  return { text, link: addressOf(file) }
}

function sidebarGroup({ title, pages: entries }: Section, all: readonly Section[]): DefaultTheme.SidebarItem {
  const items = entries.map(([text, file]) => ({ text, link: addressOf(file) }))
  // The group of the page that is open opens by itself.
  return all.length > 1 ? { text: title, items, collapsed: true } : { text: title, items }
}

function frenchSearch(): NonNullable<DefaultTheme.LocalSearchOptions['translations']> {
  return {
    button: { buttonText: 'Rechercher', buttonAriaLabel: 'Rechercher' },
    modal: {
      displayDetails: 'Afficher le détail',
      resetButtonTitle: 'Effacer la recherche',
      backButtonTitle: 'Fermer la recherche',
      noResultsText: 'Aucun résultat pour',
      footer: {
        selectText: 'ouvrir',
        selectKeyAriaLabel: 'Entrée',
        navigateText: 'parcourir',
        navigateUpKeyAriaLabel: 'Flèche vers le haut',
        navigateDownKeyAriaLabel: 'Flèche vers le bas',
        closeText: 'fermer',
        closeKeyAriaLabel: 'Échap',
      },
    },
  }
}
